"""What every kind of fault keeps to, found by its name and run under every law and schedule."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from reliability.faults.sites import STAGES, neurons_of
from spikewright.app import registry as names
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Fault, Patch
from spikewright.reliability.sites import Memory, Neurons, Sites
from spikewright.snn.code import Code
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons import Law
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.neurons.signed import Signed
from spikewright.snn.schedules import Drive, Schedule
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed
from spikewright.snn.schedules.two_phase import TwoPhase

# settings as the command line gives them, of every kind
SETTINGS: dict[str, list[dict[str, str]]] = {
    "bit_flip": [{"ber": "0.1"}, {"count": "3"}],
    "stuck_at": [{"ber": "0.1", "at": "1"}],
    "dead_neuron": [{"rate": "0.3"}, {"count": "2"}],
    "saturated_neuron": [{"rate": "0.3"}],
    "stuck_neuron": [{"rate": "0.3"}],
    "threshold": [{"spread": "0.3", "distribution": "uniform"}, {"ber": "0.05", "bits": "6"}],
    "leak": [{"spread": "0.5", "rate": "0.5"}, {"ber": "0.05"}],
    "membrane": [{"spread": "0.5", "rate": "0.4"}, {"ber": "0.02", "bits": "6", "range": "4"}],
    "lost_spikes": [{"rate": "0.2"}],
    "spurious_spikes": [{"rate": "0.1"}],
    "pixels": [{"rate": "0.2", "value": "high"}, {"noise": "0.1", "low": "-1", "high": "1"}],
}
KINDS = [(kind, settings) for kind, many in SETTINGS.items() for settings in many]
NETWORK = Sites(
    memories=(Memory(name="fc", integers=np.arange(-50, 50), bits=8, positions=tuple(range(8))),),
    stages=STAGES.stages,
    input_shape=(3, 4, 5),
    input_range=((0.0,), (1.0,)),
)
RUNS: list[tuple[Law, Schedule, Code]] = [
    (IntegrateFire(), TwoPhase(), Code.bit_planes(4)),
    (IntegrateFire(), Lockstep(), Code.rate(4)),
    (IntegrateFire(), Probed(), Code.rate(3, warmup=2)),
    (IntegrateFire(), Corrected(rounds=2), Code.rate(3, warmup=2)),
    (HardReset(), Lockstep(), Code.rate(4)),
    (Signed(), Lockstep(), Code.rate(4)),
    (Leaky(leak=0.8, reset="delayed"), Clocked(), Code.rate(5)),
    (Leaky(leak=0.5, reset="hard", membrane=MembraneFormat(bits=2, scale=1.5)), Clocked(), Code.rate(5)),
]
IMAGES = np.array([12, 3, 40, 7, 0, 8])


def make(kind: str, settings: dict[str, str]) -> Fault:
    return names.configure(names.find("faults", kind), settings)


def test_every_kind_is_here_and_says_what_it_is() -> None:
    assert sorted(SETTINGS) == names.names("faults")
    for kind, settings in KINDS:
        fault = make(kind, settings)
        assert fault.kind == kind
        assert fault.targets in {"weights", "stages", "pixels"}
        patch = fault.patch(NETWORK, Draw(0, "model", 0))
        found = {"weights": patch.weights, "stages": patch.stages, "pixels": patch.pixels}
        assert [name for name, faulty in found.items() if faulty] == [fault.targets]
        assert fault.ordinary == (kind in {"bit_flip", "stuck_at", "dead_neuron", "saturated_neuron", "pixels"})


def shown(patch: Patch, kind: str) -> list[Any]:
    """All that a patch does, as lists."""
    found: list[Any] = [patch.hits]
    for name, each in sorted(patch.weights.items()):
        found += [name, each.places.tolist(), each.integers.tolist()]
    if patch.pixels is not None:
        found.append(patch.pixels.pixels(torch.full((6, 3, 4, 5), 0.5), IMAGES).tolist())
    for stage in STAGES.stages:
        if stage.name in patch.stages:
            law, schedule, code = RUNS[-2 if kind == "leak" else 1]
            drive = drive_of(law, stage.shape, code)
            found += [stage.name, fired(patch, stage.name, law, schedule, code, drive, IMAGES).tolist()]
    return found


def drive_of(law: Law, shape: tuple[int, ...], code: Code) -> Drive:
    generator = torch.Generator().manual_seed(len(shape))
    currents = torch.rand(code.steps, len(IMAGES), *shape, generator=generator, dtype=torch.float64) * 1.5 - 0.3
    bias = torch.rand(shape, generator=generator, dtype=torch.float64) * 0.2
    channels = torch.rand(shape[0], *(1,) * (len(shape) - 1), generator=generator, dtype=torch.float64) + 0.5
    start = 0.0 if isinstance(law, Leaky) else 0.5
    return Drive(currents, bias, torch.tensor(start, dtype=torch.float64), channels)


def fired(
    patch: Patch, stage: str, law: Law, schedule: Schedule, code: Code, drive: Drive, images: np.ndarray
) -> Tensor:
    """A struck stage as it is run: drive, law, then train."""
    fault = patch.stages[stage]
    faulty = fault.law(law, images, drive.threshold)
    return fault.train(schedule.run(faulty, fault.drive(drive), code), images)


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_a_map_is_a_function_of_seed_stratum_and_number(kind: str, settings: dict[str, str]) -> None:
    def patch(seed: int, stratum: str, number: int) -> list[Any]:
        return shown(make(kind, settings).patch(NETWORK, Draw(seed, stratum, number)), kind)

    first = patch(3, "model", 10)
    others = [patch(3, "model", 11), patch(4, "model", 10), patch(3, "layer:fc", 10)]
    assert patch(3, "model", 10) == first
    assert all(other != first for other in others)


STRUCK = [(kind, settings) for kind, settings in KINDS if make(kind, settings).targets == "stages"]


@pytest.mark.parametrize(("law", "schedule", "code"), RUNS)
@pytest.mark.parametrize(("kind", "settings"), STRUCK)
def test_struck_stages_under_every_law(
    kind: str, settings: dict[str, str], law: Law, schedule: Schedule, code: Code
) -> None:
    """Spikes stay spikes, neurons that may not be struck fire as before, and an image is alone with its number."""
    if kind == "leak" and not isinstance(law, Leaky):
        return
    changed = False
    for number in range(4):
        patch = make(kind, settings).patch(STAGES, Draw(0, "model", number))
        for stage in STAGES.stages:
            if stage.name not in patch.stages:
                continue
            drive = drive_of(law, stage.shape, code)
            before = [None if each is None else each.clone() for each in drive]
            golden = schedule.run(law, drive, code)
            train = fired(patch, stage.name, law, schedule, code, drive, IMAGES)
            assert train.shape == golden.shape
            assert train.dtype == golden.dtype
            assert set(train.unique().tolist()) <= ({-1.0, 0.0, 1.0} if isinstance(law, Signed) else {0.0, 1.0})
            changed |= not torch.equal(train, golden)
            open_ones = {flat for name, flat in neurons_of(STAGES) if name == stage.name}
            for flat in set(range(train[0, 0].numel())) - open_ones:
                assert torch.equal(train.flatten(2)[:, :, flat], golden.flatten(2)[:, :, flat])
            rows = [4, 1, 2]
            part = drive._replace(currents=drive.currents[:, rows])
            assert torch.equal(fired(patch, stage.name, law, schedule, code, part, IMAGES[rows]), train[:, rows])
            assert all(x is None or y is None or torch.equal(x, y) for x, y in zip(drive, before, strict=True))
    assert changed


@pytest.mark.parametrize(("law", "schedule", "code"), RUNS)
@pytest.mark.parametrize(("kind", "settings"), STRUCK)
def test_a_stage_of_one_neuron_without_axes(
    kind: str, settings: dict[str, str], law: Law, schedule: Schedule, code: Code
) -> None:
    if (kind == "leak" and not isinstance(law, Leaky)) or "count" in settings:
        return
    fault, plain = make(kind, settings), drive_of(law, (1,), code)
    alone = plain._replace(currents=plain.currents[..., 0], bias=plain.bias[0], threshold=plain.threshold[0])
    faulty = 0
    for number in range(6):
        one, same = (
            fault.patch(Sites(stages=(Neurons(name="s", shape=shape, timesteps=4),)), Draw(0, "model", number))
            for shape in ((), (1,))
        )
        assert one.hits == same.hits
        if one.stages:
            faulty += 1
            train = fired(one, "s", law, schedule, code, alone, IMAGES)
            assert torch.equal(train, fired(same, "s", law, schedule, code, plain, IMAGES)[..., 0])
    assert faulty


@pytest.mark.parametrize(("kind", "settings"), STRUCK)
def test_ordinary_networks_are_touched_only_by_kinds_that_say_so(kind: str, settings: dict[str, str]) -> None:
    value = torch.rand(6, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fault, changed = make(kind, settings), False
    for number in range(6):
        patch = fault.patch(STAGES, Draw(0, "model", number))
        if "fc" in patch.stages:
            changed |= not torch.equal(patch.stages["fc"].value(value, IMAGES, 2.0), value)
    assert changed == fault.ordinary


@pytest.mark.parametrize("kind", ["dead_neuron", "saturated_neuron", "stuck_neuron", "lost_spikes", "spurious_spikes"])
def test_a_rate_of_nothing_is_no_fault(kind: str) -> None:
    patch = make(kind, {"rate": "0"}).patch(STAGES, Draw(0, "model", 0))
    assert not patch.stages
    assert patch.hits == 0
