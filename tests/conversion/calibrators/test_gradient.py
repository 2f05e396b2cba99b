"""Calibration by gradient: what it may change, that it never does harm, and that it can be interrupted."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file
from support.trained import classifier, digits
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.conversion.calibrators import gradient as module
from spikewright.conversion.calibrators._state import load_state, save_state
from spikewright.conversion.calibrators.gradient import Gradient
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.percentile_norm import PercentileNorm
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.snm import Snm
from spikewright.conversion.methods.snnc_advanced import SnncAdvanced
from spikewright.conversion.observe import observe
from spikewright.engines.network import build
from spikewright.errors import BadData, BadFile, BadSetting
from spikewright.measure.scoring import score
from spikewright.snn.blueprint import Blueprint

SHORT = Gradient(epochs=4)
MOVED = (".threshold", ".amplitude", ".initial_potential")


@cache
def inputs() -> Tensor:
    return torch.cat(acquire.inputs(digits().train, digits(), limit=200, seed=0))


@cache
def converted(method: Method, *levels: int) -> tuple[Blueprint, Source]:
    source = classifier(*levels)
    blueprint = method(source, observe(source, [inputs()]))
    for calibrator in method.calibrators:
        blueprint = calibrator(blueprint, source, [inputs()])
    return blueprint, source


PLAIN = PercentileNorm(timesteps=4)


class Judged(NamedTuple):
    loss: float
    agreement: float


def labelled(blueprint: Blueprint, source: Source) -> Judged:
    """By the inputs that are held back: every fourth."""
    stored = inputs()[3::4]
    with torch.no_grad():
        found, wanted = build(blueprint)(stored), interpreter.run(source, stored)
    return Judged(float(F.mse_loss(found, wanted)), float((found.argmax(1) == wanted.argmax(1)).double().mean()))


def same(left: Blueprint, right: Blueprint) -> bool:
    return left.plan == right.plan and all(
        torch.equal(array, right.arrays[name]) for name, array in left.arrays.items()
    )


@pytest.mark.parametrize("per_channel", [False, True])
def test_it_mends_a_network_and_leaves_its_weights_alone(per_channel: bool) -> None:
    blueprint, source = converted(PLAIN)
    before = {name: array.clone() for name, array in blueprint.arrays.items()}
    found = replace(SHORT, epochs=8, per_channel=per_channel)(blueprint, source, inputs().split(30))
    assert labelled(found, source).loss < 0.7 * labelled(blueprint, source).loss
    assert labelled(found, source).agreement >= labelled(blueprint, source).agreement
    validation = acquire.labelled(digits().validation, digits())
    right = [score(each, source, validation, table="horowitz_int32").accuracy_snn for each in (blueprint, found)]
    assert right[1] >= right[0]
    assert found.plan == blueprint.plan
    assert set(found.arrays) == set(blueprint.arrays)
    for name, array in before.items():
        assert torch.equal(array, blueprint.arrays[name])  # what was given is as it was
        if not name.endswith(MOVED):
            assert torch.equal(array, found.arrays[name])
    for node in blueprint.plan.stages:
        threshold = found.arrays[f"{node.name}.threshold"]
        initial = found.arrays[f"{node.name}.initial_potential"]
        assert not torch.equal(threshold, before[f"{node.name}.threshold"])
        assert threshold.shape == (node.shape if per_channel else ())
        assert bool(((initial >= 0) & (initial < threshold)).all())
        worth = found.arrays[f"{node.name}.amplitude"] / before[f"{node.name}.amplitude"]
        assert torch.allclose(worth, threshold / before[f"{node.name}.threshold"], rtol=1e-12)


@pytest.mark.parametrize(
    ("method", "levels"),
    [
        (PLAIN, ()),
        (PercentileNorm(timesteps=2), ()),
        (Qcfs(timesteps=3), ()),
        (Qcfs(timesteps=2), (4, 4)),
        (Qac(timesteps=(4, 2)), ()),
        (Qac(timesteps=(3, 5), alignment="replicate,truncate"), ()),
        (Exact(timesteps=2), ()),
        (SnncAdvanced(timesteps=3), ()),  # starts outside [0, unit)
    ],
)
@pytest.mark.parametrize("learning_rate", [0.05, 20.0])
def test_it_is_never_worse(method: Method, levels: tuple[int, ...], learning_rate: float) -> None:
    blueprint, source = converted(method, *levels)
    found = Gradient(epochs=2, learning_rate=learning_rate)(blueprint, source, [inputs()])
    before, after = labelled(blueprint, source), labelled(found, source)
    assert found is blueprint or (after.loss < before.loss and after.agreement >= before.agreement)
    assert found is blueprint or learning_rate < 20


@pytest.mark.parametrize(("method", "levels"), [(Exact(timesteps=4), (15, 15)), (Qac(), (5, 3))])
def test_a_perfect_network_comes_back_as_it_is(method: Method, levels: tuple[int, ...]) -> None:
    blueprint, source = converted(method, *levels)
    reported: list[int] = []
    assert SHORT(blueprint, source, [inputs()], on_progress=lambda _, done, __: reported.append(done)) is blueprint
    assert reported == []


def test_a_network_that_never_fires_comes_back_as_it_is() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        source = capture(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval(), inputs()[:2])
    blueprint = Qcfs(timesteps=2)(source, {})
    assert SHORT(blueprint, source, [inputs()]) is blueprint


def test_the_same_seed_gives_the_same_network_and_batches_do_not_matter() -> None:
    blueprint, source = converted(PLAIN)
    first = SHORT(blueprint, source, inputs().split(64))
    assert same(first, SHORT(blueprint, source, [inputs().double()]))
    assert not same(first, replace(SHORT, seed=1)(blueprint, source, [inputs()]))


# Interrupted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize("per_channel", [False, True])
def test_interrupted_and_resumed_is_uninterrupted(epoch: int, per_channel: bool, tmp_path: Path) -> None:
    blueprint, source = converted(PLAIN)
    settings = replace(SHORT, per_channel=per_channel)
    durable = replace(settings, checkpoint=tmp_path / "state")

    def interrupt(what: str, done: int, of: int) -> None:
        assert (what, of) == ("calibration", 4)
        if done == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        durable(blueprint, source, [inputs()], on_progress=interrupt)
    reported: list[int] = []
    resumed = durable(blueprint, source, [inputs()], on_progress=lambda _, done, __: reported.append(done))
    assert reported == list(range(epoch + 1, 5))
    assert same(resumed, settings(blueprint, source, [inputs()]))
    reported.clear()
    assert same(durable(blueprint, source, [inputs()], on_progress=lambda _, done, __: reported.append(done)), resumed)
    assert reported == []  # all of it was there


def test_interrupted_within_an_epoch_it_goes_on_from_the_epoch_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blueprint, source = converted(PLAIN)
    durable = replace(SHORT, checkpoint=tmp_path / "state")
    original: Callable[..., Tensor] = module.run
    calls = 0

    def stumble(*arguments: object, **more: object) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 17:
            raise KeyboardInterrupt
        return original(*arguments, **more)

    monkeypatch.setattr(module, "run", stumble)
    with pytest.raises(KeyboardInterrupt):
        durable(blueprint, source, [inputs()])
    monkeypatch.undo()
    assert (tmp_path / "state").is_file()
    assert same(durable(blueprint, source, [inputs()]), SHORT(blueprint, source, [inputs()]))


@pytest.mark.parametrize("other", ["settings", "inputs", "network"])
def test_the_state_of_another_calibration_is_refused(other: str, tmp_path: Path) -> None:
    blueprint, source = converted(PLAIN)
    durable = Gradient(epochs=1, checkpoint=tmp_path / "state")
    durable(blueprint, source, [inputs()])
    with pytest.raises(BadFile, match="of another calibration"):
        match other:
            case "settings":
                replace(durable, learning_rate=0.01)(blueprint, source, [inputs()])
            case "inputs":
                durable(blueprint, source, [inputs()[:100]])
            case _:
                durable(converted(Qcfs(timesteps=4))[0], source, [inputs()])


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    blueprint, source = converted(PLAIN)
    path = tmp_path / "state"
    durable = Gradient(epochs=1, checkpoint=path)
    durable(blueprint, source, [inputs()])
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(BadFile, match="damaged; delete it to begin again"):
        durable(blueprint, source, [inputs()])
    path.write_bytes(whole)
    with pytest.raises(BadFile, match="of another calibration"):
        load_state(path, identity={})
    save_file({}, path)
    with pytest.raises(BadFile, match="damaged"):
        durable(blueprint, source, [inputs()])


@pytest.mark.parametrize("missing", ["value/1.threshold", "exp_avg/1.initial", "epoch", "shape"])
def test_a_state_that_lacks_a_part_is_refused(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blueprint, source = converted(PLAIN)
    path = tmp_path / "state"

    def save_less(path: Path, tensors: dict[str, Tensor], about: dict[str, object]) -> None:
        if missing == "shape":
            tensors = {name: value.reshape(-1).repeat(7) for name, value in tensors.items()}
        assert missing in tensors or missing in about or missing == "shape"
        stored = {name: value for name, value in tensors.items() if name != missing}
        save_state(path, stored, {name: value for name, value in about.items() if name != missing})

    monkeypatch.setattr(module, "save_state", save_less)
    durable = Gradient(epochs=1, checkpoint=path)
    durable(blueprint, source, [inputs()])
    monkeypatch.undo()
    with pytest.raises(BadFile, match=r"lacks a part .*damaged; delete it to begin again"):
        durable(blueprint, source, [inputs()])


# Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([], "at least one input, got none"),
        ([torch.zeros(1, 1, 8, 8)], "at least 2 inputs, one to train on and one to judge by"),
        ([torch.zeros(4, 64)], r"inputs have shape \(64,\), the network takes \(1, 8, 8\)"),
        ([torch.ones(4, 1, 8, 8, dtype=torch.int64)], "torch.int64.*normalise them first"),
        ([torch.rand(4, 1, 8, 8) * 255], "prepare them with the source's mean and std"),
    ],
)
def test_inputs_that_will_not_do_are_refused_in_one_line(batches: list[Tensor], words: str) -> None:
    blueprint, source = converted(PLAIN)
    with pytest.raises(BadData, match=words) as caught:
        SHORT(blueprint, source, batches)
    assert len(str(caught.value).splitlines()) == 1


def test_two_inputs_are_enough() -> None:
    blueprint, source = converted(PLAIN)
    found = SHORT(blueprint, source, [inputs()[:2]])
    assert found is blueprint or found.plan == blueprint.plan


def test_a_law_that_cannot_be_trained_is_refused() -> None:
    blueprint, source = converted(Snm(timesteps=3))
    with pytest.raises(BadSetting, match="'signed' under 'lockstep', which it cannot train"):
        SHORT(blueprint, source, [inputs()])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"width": 0.0}, "needs a finite width above 0, got 0.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        Gradient(**settings)  # pyright: ignore[reportArgumentType]
