"""What codes stand for, against windows taken one by one."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadPlan
from spikewright.measure.equality.carried import beyond, carried, carried_shape
from spikewright.measure.equality.certificate import verify
from spikewright.measure.equality.quantised_source import QuantisedSource
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage

SIGNS = torch.tensor([1.0, -1.0, -1.0, 1.0])


def _network() -> tuple[Blueprint, Source, Tensor]:
    norm = nn.BatchNorm2d(4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        norm.weight.data = (torch.rand(4) + 0.5) * SIGNS
        norm.bias.data, norm.running_mean = torch.randn(4), torch.randn(4)
        layers = (nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), norm, nn.MaxPool2d(3, 2, 1), nn.Flatten(), nn.Linear(36, 3))
        model, x = nn.Sequential(*layers).eval(), torch.randn(6, 2, 6, 6)
        with torch.no_grad():
            layers[0].bias += 1  # minima are not all 0
    source = capture(model, x)
    return Exact(timesteps=3)(source, observe(source, [x])), source, x


def _by_hand(value: Tensor) -> Tensor:
    """[N, 4, 6, 6] → maxima of windows of 3, 2 apart, where the gain is positive, else minima."""
    made = torch.zeros(len(value), 4, 3, 3, dtype=value.dtype)
    for channel, sign in enumerate(SIGNS.tolist()):
        for row in range(3):
            for column in range(3):
                window = value[:, channel, max(2 * row - 1, 0) : 2 * row + 2, max(2 * column - 1, 0) : 2 * column + 2]
                flat = window.flatten(1)
                made[:, channel, row, column] = flat.amax(1) if sign > 0 else flat.amin(1)
    return made


def _values(source: Source, x: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    interpreter.run(source, x, watch=lambda node, value: found.__setitem__(node.name, value))
    return found


def test_a_stage_beyond_an_activation_stands_for_its_largest_or_least_values() -> None:
    blueprint, source, x = _network()
    (stage,) = blueprint.plan.stages
    values = _values(source, x)
    assert stage.firing.beyond == 3 and values[stage.firing.carries].shape == (6, 4, 6, 6)
    wanted = _by_hand(values[stage.firing.carries])
    assert torch.equal(carried(blueprint, stage, values), wanted)
    assert torch.equal(beyond(blueprint, stage, values[stage.firing.carries]), wanted)
    assert carried_shape(blueprint, stage, (4, 6, 6)) == (4, 3, 3)


def test_some_channels_or_nothing_beyond() -> None:
    blueprint, _, _ = _network()
    (stage,) = blueprint.plan.stages
    value = torch.arange(24.0).reshape(2, 4, 3)
    plain = replace(stage, firing=replace(stage.firing, beyond=0))
    some = replace(stage, firing=replace(stage.firing, beyond=0, channels=(1, 3)))
    assert torch.equal(carried(blueprint, plain, {stage.firing.carries: value}), value)
    assert torch.equal(carried(blueprint, some, {stage.firing.carries: value}), value[:, 1:3])


def test_the_quantised_source_has_the_codes_of_the_network() -> None:
    blueprint, source, x = _network()
    codes = QuantisedSource(blueprint, source, torch.float64).codes(x)
    (record,) = (one for one in build(blueprint, dtype=torch.float64).walk(x.double()) if isinstance(one, StageRecord))
    assert torch.equal(codes[record.node.name], record.codes)
    assert len(record.codes.unique()) > 3


def test_a_wrong_sign_is_found_in_what_follows() -> None:
    blueprint, source, x = _network()
    assert verify(blueprint, source, [x]).proven
    (stage,) = blueprint.plan.stages
    signs = [f"{stage.name}.before{index}.weight" for index in (0, 2)]
    turned = {name: blueprint.arrays[name] * torch.tensor([-1.0, 1.0, 1.0, 1.0]).reshape(4, 1, 1) for name in signs}
    wrong = Blueprint(blueprint.plan, {**blueprint.arrays, **turned})
    assert not verify(wrong, source, [x]).equal
    one_only = Blueprint(blueprint.plan, {**blueprint.arrays, signs[0]: turned[signs[0]]})
    assert not verify(one_only, source, [x]).equal


def test_operations_that_do_not_fit_are_refused() -> None:
    blueprint, source, x = _network()
    (stage,) = blueprint.plan.stages
    too_few = Stage(**{**_fields(stage), "firing": replace(stage.firing, beyond=0)})
    plan = replace(blueprint.plan, nodes=(too_few, *blueprint.plan.nodes[1:]))
    with pytest.raises(BadPlan, match="carries '1' of shape"):
        verify(Blueprint(plan, blueprint.arrays), source, [x])


def _fields(stage: Stage) -> dict[str, object]:
    return {name: getattr(stage, name) for name in ("name", "op", "edges", "shape", "weights", "axis", "shares")}
