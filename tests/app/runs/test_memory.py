"""Footprints of named models, of one's own, and of models for a data set, counted by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch

from spikewright.app.runs.memory import InputSettings, MemoryReport, memory
from spikewright.errors import BadModel, BadSetting, UnsupportedModule
from spikewright.measure.cost.footprint import FootprintSettings

OWN = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))

def picture():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2))

def line():
    return nn.Linear(6, 3)

class Turned(nn.Module):
    def forward(self, x):
        return torch.relu(x).sort()[0]
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    name = f"own_{tmp_path.name}"  # a module is imported once, and each test has its own
    Path(f"{name}.py").write_text(OWN)
    return name


NOTHING = InputSettings()


def counted(
    model: str, *, data: str | None = None, inputs: InputSettings = NOTHING, seed: int = 0, **more: Any
) -> MemoryReport:
    settings = FootprintSettings(weight_bits=1, membrane_bits=2, **more)
    return memory(model, data=data, inputs=inputs, settings=settings, seed=seed)


def test_one_s_own_network(own: str) -> None:
    report = counted(f"{own}:net", inputs=InputSettings(shape=(6,)), batch=3, edge_bits=4, readout_bits=16)
    assert report.to_json() == {
        "model": f"{own}:net",
        "input_shape": [6],
        "output_shape": [3],
        "batch": 3,
        "weight_bits": 1,
        "membrane_bits": 2,
        "weight_bytes": 3 + 15 + 24,  # 20 bits, 30 of 4 bits, 12 of 16 bits
        "gain_bytes": 0,
        "bias_bytes": 4 * 7,
        "membrane_bytes_peak": 4,  # 15 membranes of 2 bits
        "membrane_bytes_all": 7,
        "footprint_megabytes": 74e-6,
        "footprint_megabytes_all": 77e-6,
        "parts": report.to_json()["parts"],
        "footprint_megabytes_full_precision": 4 * (62 + 7 + 15) / 1e6,
        "footprint_megabytes_all_full_precision": 4 * (62 + 7 + 27) / 1e6,
    }


def test_neurons_stand_behind_a_max_pool(own: str) -> None:
    # 2x6x6 → 3x4x4 → pooled to 3x2x2, where the neurons are
    for inputs in (InputSettings(shape=(2, 6, 6)), InputSettings(channels=2, size=(6, 6))):
        report = counted(f"{own}:picture", inputs=inputs)
        assert report.found.membranes_all.numbers == report.found.membranes_peak.numbers == 12


def test_a_model_of_the_library_for_other_images() -> None:
    report = counted("top1", inputs=InputSettings(channels=1, size=(4, 5), classes=7))
    assert (report.input_shape, report.output_shape) == ((1, 4, 5), (7,))
    assert [part.numbers for part in report.found.parts[:3]] == [64 * 32, 20 * 64, 32 * 7]
    assert report.found == counted("top1", inputs=InputSettings(shape=(1, 4, 5), classes=7), seed=3).found


def test_a_model_of_the_library_where_nothing_is_said() -> None:
    report = counted("top0")
    assert (report.input_shape, report.output_shape) == ((3, 32, 32), (10,))


def test_a_model_for_a_data_set() -> None:
    report = counted("top0", data="digits", batch=100)
    assert (report.input_shape, report.output_shape) == ((1, 8, 8), (10,))
    assert report.found.membranes_peak.bytes == 100 * 32 // 4
    assert counted("top0", data="digits", inputs=InputSettings(size=(4, 4))).input_shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("inputs", "data", "words"),
    [
        (InputSettings(shape=(1, 8, 8)), "digits", "--shape says all of an input: leave out --data"),
        (InputSettings(shape=(1, 8, 8), channels=1), None, "--shape says all of an input"),
        (InputSettings(shape=(1, 8, 8), size=(8, 8)), None, "--shape says all of an input"),
        (InputSettings(channels=1), "digits", "--data says the channels and classes"),
        (InputSettings(classes=0), "digits", "--data says the channels and classes"),
        (InputSettings(shape=(64,)), None, r"--shape \(64,\) must be channels x height x width"),
        (InputSettings(channels=0), None, r"an input of shape \(0, 32, 32\) holds nothing"),
        (InputSettings(classes=0), None, "classes is 0, but must be 1 or more"),
    ],
)
def test_inputs_that_cannot_be_are_refused(inputs: InputSettings, data: str | None, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        counted("top0", data=data, inputs=inputs)


def test_one_s_own_network_must_be_told_its_input_and_nothing_else(own: str) -> None:
    for inputs in (InputSettings(), InputSettings(channels=3), InputSettings(size=(8, 8))):
        with pytest.raises(BadSetting, match="does not say what it takes: give --shape"):
            counted(f"{own}:net", inputs=inputs)
    with pytest.raises(BadSetting, match="has classes of its own: leave out --classes"):
        counted(f"{own}:net", inputs=InputSettings(shape=(6,), classes=3))


def test_what_cannot_spike_is_refused(own: str) -> None:
    with pytest.raises(BadModel, match="no ReLU that a neuron could take the place of"):
        counted(f"{own}:line", inputs=InputSettings(shape=(6,)))
    with pytest.raises(UnsupportedModule, match="sort"):
        counted(f"{own}:Turned", inputs=InputSettings(shape=(6,)))
    with pytest.raises(BadModel, match=r"fails on an input of shape \(2, 7\)"):
        counted(f"{own}:net", inputs=InputSettings(shape=(7,)))


def test_the_random_numbers_of_the_caller_are_left_alone() -> None:
    state = torch.get_rng_state()
    counted("top0")
    assert torch.equal(torch.get_rng_state(), state)
