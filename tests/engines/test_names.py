"""Engines by name: what each gives, and what is said where one cannot run."""

from importlib.util import find_spec

import pytest
import torch
from support.converted import captured, converted

from spikewright.conversion.methods.exact import Exact
from spikewright.engines.lower.integer import lowered
from spikewright.engines.names import engine_named, engines, refusal
from spikewright.engines.network import build
from spikewright.errors import BadSetting, NotExact
from spikewright.measure.equality.changed_codes import changed_codes


@pytest.mark.parametrize(("name", "dtype"), [("float", torch.float32), ("float64", torch.float64)])
def test_floating_point(name: str, dtype: torch.dtype) -> None:
    blueprint, _, x = converted("resnet", timesteps=3)
    runner, arithmetic = engine_named(name)(blueprint)
    assert arithmetic == str(dtype).removeprefix("torch.")
    assert torch.equal(runner(x.to(dtype)), build(blueprint, dtype=dtype)(x.to(dtype)))


def test_int8_is_the_lowered_network() -> None:
    blueprint, _, x = converted("resnet", timesteps=3)
    runner, arithmetic = engine_named("int8")(blueprint)
    network = build(blueprint, lower=lowered)
    assert torch.equal(runner(x), network(x.double()))
    products = sum(node.op.kind in ("linear", "conv") for node in blueprint.plan.nodes)
    counted = [int(part.split()[0]) for part in arithmetic.removeprefix("integers; products: ").split(", ")]
    assert sum(counted) == products


@pytest.mark.parametrize("name", ["mlp", "conv_bn_relu", "resnet"])
def test_fine_grids_leave_little_but_the_weights_rounding(name: str) -> None:
    """With weights that are integers already, hardly a code changes."""
    from spikewright.conversion.quantise import quantise
    from spikewright.snn.formats.uniform import Uniform

    blueprint, _, x = converted(name, timesteps=3)
    changed, total = changed_codes(build(quantise(blueprint, Uniform(bits=8)), lower=lowered), [x])
    assert changed / total < 0.002


def test_what_an_engine_cannot_run_is_said() -> None:
    _, source, _ = converted("mlp")
    lockstep = Exact(timesteps=2, postponed_firing=False)(source, captured("mlp")[2])
    assert "postponed firing" in str(refusal(engine_named("int8"), lockstep))
    assert refusal(engine_named("float"), lockstep) is None
    with pytest.raises(NotExact, match="postponed"):
        engine_named("int8")(lockstep)


def test_names_that_are_not_there_are_refused() -> None:
    blueprint, _, _ = converted("mlp", timesteps=3)
    with pytest.raises(BadSetting, match="no engine 'quick': choose one of " + ", ".join(engines())):
        engine_named("quick")(blueprint)
    if find_spec("spikewright.engines.packed.run") is None:
        with pytest.raises(BadSetting, match="no packed engine"):
            engine_named("packed")(blueprint)
