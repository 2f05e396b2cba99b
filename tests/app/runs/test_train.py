import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.refuse_data import refuse_data

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.train import INITIAL_TIMESTEPS, TrainRequest, run, usual_learning_rate
from spikewright.data import ImageData
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData, BadFile, BadModel, BadSetting, UnsupportedModule
from spikewright.interchange.claim import claimed
from spikewright.interchange.run_folder import load_blueprint, load_source, save_source
from spikewright.models import build
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings, SpikingTraining
from spikewright.training.timesteps.settings import TimestepSettings

SETTINGS = TrainSettings(epochs=1, batch_size=64)

FACTORIES = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Dropout(0.5), nn.Linear(20, 10))

def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

class Sine(nn.Module):
    def forward(self, x):
        return x.sin()

def unsupported():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), Sine(), nn.Linear(20, 10))
"""


@pytest.fixture(autouse=True)
def _few_digits(digits: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(name: str, **options: object) -> ImageData:
        assert name in ("digits", "cifar10")
        return replace(digits, name=name)

    monkeypatch.setattr(acquire, "load", few)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_nets.py").write_text(FACTORIES)
    monkeypatch.chdir(tmp_path)
    return "own_nets"


def train(request: TrainRequest, settings: TrainSettings) -> tuple[Any, Any, dict[str, Any]]:
    result = run(replace(request, settings=settings))
    assert result.to_json() is result.about
    return result.network, result.report, result.about


def levels_of(source: Source) -> list[int | None]:
    return [node.op.levels for node in source.activations if isinstance(node.op, Activation)]


def test_a_run_folder_holds_the_network_and_its_account(tmp_path: Path) -> None:
    request = TrainRequest(model="top1", data="digits", levels=7, out=tmp_path / "a")
    trained, report, about = train(request, SETTINGS)
    loaded, stored = load_source(tmp_path / "a")
    assert loaded.nodes == trained.nodes
    assert all(torch.equal(loaded.arrays[name], array) for name, array in trained.arrays.items())
    assert levels_of(loaded) == [7, 7]
    assert loaded.preparation is not None
    assert stored == about
    assert (stored["model"], stored["data"], stored["levels"], stored["seed"]) == ("top1", "digits", 7, 0)
    assert stored["accuracy_test"] == report.accuracy_test
    assert stored["settings"]["batch_size"] == 64
    assert {"torch", "spikewright", "lightning"} <= set(stored["versions"])


def test_fine_tuning_goes_on_from_a_run(tmp_path: Path) -> None:
    train(TrainRequest(model="top1", data="digits", out=tmp_path / "relu"), replace(SETTINGS, epochs=6))
    still = replace(SETTINGS, learning_rate=0.0)
    request = TrainRequest(start=tmp_path / "relu", levels=255, out=tmp_path / "a")
    rounded, report, about = train(request, still)
    before, relu = load_source(tmp_path / "relu")
    assert levels_of(before) == [None, None] and levels_of(rounded) == [255, 255]
    assert torch.equal(rounded.arrays["1.weight"], before.arrays["1.weight"])
    assert report.accuracy_test == pytest.approx(relu["accuracy_test"], abs=0.03)
    assert about["data"] == "digits" and about["from"] == str(tmp_path / "relu")
    again, _, _ = train(TrainRequest(start=tmp_path / "a", levels=15, out=tmp_path / "b"), still)
    assert levels_of(again) == [15, 15]
    for node in again.activations:
        name = f"{node.name}.threshold"
        assert torch.equal(again.arrays[name], rounded.arrays[name]), "a trained threshold is kept"


def test_learned_timesteps_are_the_levels_of_the_run(tmp_path: Path) -> None:
    learned = TimestepSettings(target_timesteps=2.5, timestep_weighting="synops")
    settings = replace(SETTINGS, epochs=4, timesteps=learned)
    trained, report, about = train(TrainRequest(model="top1", data="digits", out=tmp_path / "a"), settings)
    loaded, stored = load_source(tmp_path / "a")
    assert loaded.nodes == trained.nodes and stored == about
    names = [node.name for node in loaded.activations]
    steps, synops, neurons = levels_of(loaded), [64 * 32, 32 * 10], [64, 32]
    assert stored["timesteps"] == dict(zip(names, steps, strict=True))
    for key, counts in (
        ("timesteps_mean", [1, 1]), ("timesteps_mean_neurons", neurons), ("timesteps_mean_weighted", synops),
    ):  # fmt: skip
        mean = sum(count * (step or 0) for count, step in zip(counts, steps, strict=True)) / sum(counts)
        assert stored[key] == pytest.approx(mean)
    assert stored["timesteps_mean_weighted"] <= 2.5
    assert stored["settings"]["timesteps"]["timestep_weighting"] == "synops"
    assert report.epochs[-1].timesteps_mean == stored["timesteps_mean"]


def test_learned_timesteps_start_from_what_there_is(tmp_path: Path) -> None:
    train(TrainRequest(model="top1", data="digits", levels=6, out=tmp_path / "six"), SETTINGS)
    train(TrainRequest(model="top1", data="digits", out=tmp_path / "relu"), SETTINGS)
    still = replace(SETTINGS, learning_rate=0.0, timesteps=TimestepSettings(timestep_rate=0.0))
    for start, asked, expected in (("six", None, 6), ("six", 9, 9), ("relu", None, INITIAL_TIMESTEPS), ("relu", 3, 3)):
        out = tmp_path / f"{start}_{asked}"
        request = TrainRequest(start=tmp_path / start, initial_timesteps=asked, out=out, settings=still)
        trained, _, _ = train(request, still)
        assert levels_of(trained) == [expected, expected]
        if start == "six":
            before, _ = load_source(tmp_path / "six")
            for node in trained.activations:
                name = f"{node.name}.threshold"
                assert torch.equal(trained.arrays[name], before.arrays[name]), "a trained threshold is kept"


def test_a_run_with_slip_says_so(tmp_path: Path) -> None:
    trained, _, about = train(TrainRequest(model="top1", data="digits", levels=4, slip=0.4, out=tmp_path), SETTINGS)
    assert [node.op for node in trained.activations] == [Activation(levels=4, slip=0.4)] * 2
    assert about["slip"] == 0.4 and about["levels"] == 4
    assert "timesteps" not in about


def test_weights_from_a_file_are_the_start(tmp_path: Path) -> None:
    made = build("top0", channels=1, size=(8, 8), classes=10, seed=9)
    torch.save(made.state_dict(), tmp_path / "w.pt")
    request = TrainRequest(model="top0", data="digits", weights=tmp_path / "w.pt", out=tmp_path / "a")
    trained, _, _ = train(request, replace(SETTINGS, learning_rate=0.0))
    assert torch.equal(trained.arrays["1.weight"], made.state_dict()["1.weight"])
    assert usual_learning_rate(trained=True) < usual_learning_rate(trained=False)


def test_ones_own_factory_trains_with_levels(own: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=6)
    trained, report, _ = train(TrainRequest(model=f"{own}:net", data="digits", levels=15, out=tmp_path / "a"), settings)
    assert levels_of(trained) == [15]
    assert report.accuracy_test > 0.5


def test_cifar10_alone_is_augmented_unless_asked(tmp_path: Path) -> None:
    for number, (data, asked, expected) in enumerate(
        [("digits", None, False), ("cifar10", None, True), ("cifar10", False, False), ("digits", True, True)]
    ):
        request = TrainRequest(model="top0", data=data, augment=asked, out=tmp_path / str(number))
        _, _, about = train(request, SETTINGS)
        assert about["settings"]["augment"] is expected


def test_what_cannot_be_is_refused_before_anything_is_written(own: str, tmp_path: Path) -> None:
    out = tmp_path / "a"
    learning = replace(SETTINGS, timesteps=TimestepSettings())
    for settings, given, error, words in [
        (SETTINGS, {"model": f"{own}:unsupported"}, UnsupportedModule, "sin"),
        (SETTINGS, {"model": f"{own}:linear", "levels": 3}, BadModel, "no ReLU"),
        (SETTINGS, {"model": "top0", "levels": 0}, BadSetting, "levels is 0"),
        (SETTINGS, {"model": "resnet"}, BadModel, "not known"),
        (SETTINGS, {"start": tmp_path / "none"}, BadFile, "no run folder"),
        (learning, {"model": "top0", "levels": 3}, BadSetting, "--levels fixes"),
        (learning, {"model": "top0", "initial_timesteps": 0}, BadSetting, "--initial-timesteps is 0"),
        (SETTINGS, {"model": "top0", "initial_timesteps": 4}, BadSetting, "--learn-timesteps"),
        (learning, {"model": f"{own}:linear"}, BadModel, "no ReLU .* --learn-timesteps"),
        (SETTINGS, {"model": "top0", "levels": 3, "slip": 1.0}, BadSetting, "slip is 1.0"),
    ]:
        with pytest.raises(error, match=words):
            run(TrainRequest(data="digits", out=out, settings=settings, **given))  # pyright: ignore[reportArgumentType]
        assert not out.exists()


def test_nothing_is_loaded_where_model_weights_or_run_are_not_there(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_data(monkeypatch)
    for given, error, words in [
        ({"model": "resnet"}, BadModel, "'resnet' is not known"),
        ({"model": f"{own}:nothing"}, BadModel, "has no 'nothing'"),
        ({"model": "top0", "weights": tmp_path / "none.pt"}, BadFile, "no such file"),
        ({"start": tmp_path / "none"}, BadFile, "no run folder"),
        ({"model": "top0", "levels": 2**16}, BadSetting, "levels is 65536"),
    ]:
        with pytest.raises(error, match=words):
            run(TrainRequest(data="digits", out=tmp_path / "a", **given))  # pyright: ignore[reportArgumentType]
    linear = capture(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)), torch.randn(2, 1, 8, 8))
    save_source(tmp_path / "linear", linear, about={})
    with pytest.raises(BadModel, match="has no ReLU to give levels to: leave out --levels"):
        run(TrainRequest(data="digits", out=tmp_path / "a", start=tmp_path / "linear", levels=3))


def test_a_folder_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("mine")
    (tmp_path / "file").touch()
    for out, words in ((tmp_path / "a", "not empty"), (tmp_path / "file", "is a file")):
        with pytest.raises(BadSetting, match=words):
            train(TrainRequest(model="top0", data="digits", out=out), SETTINGS)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["notes.txt"]
    with pytest.raises(BadSetting, match="same folder"):
        train(TrainRequest(start=tmp_path / "a", out=tmp_path / "a", resume=True), SETTINGS)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"model": "cnn", "start": Path("a")},
        {"model": "cnn"},
        {"start": Path("a"), "weights": Path("b")},
        {"start": Path("a"), "slip": 0.1},
    ],
)
def test_requests_that_contradict_themselves_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(BadSetting, match="--"):
        TrainRequest(out=Path("x"), **given)  # pyright: ignore[reportArgumentType]


def test_dropout_that_is_left_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dropping.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 12), nn.ReLU(), nn.Dropout(0.5), nn.Linear(12, 10))\n"
    )
    monkeypatch.chdir(tmp_path)
    request = TrainRequest(out=tmp_path / "run", model="dropping:make", data="digits")
    _, _, about = train(request, TrainSettings(epochs=1, learning_rate=0.01, cutout=3))
    assert about["left_out"] == "dropout (3)"


# Spiking networks ---------------------------------------------------------------------------------------------

QUANTISED = SpikingTraining(
    network=SpikingSettings(
        timesteps=2,
        neurons=NeuronSettings(leak=0.5, reset="hard", membrane_bits=4),
        weights=Binary(),
        edge_weights=Uniform(bits=8),
    )
)
RATE = SpikingTraining(network=SpikingSettings(timesteps=3, encoding="rate", seed=2))


def test_a_spiking_run_is_what_is_returned_and_says_how_it_was_made(tmp_path: Path) -> None:
    request = TrainRequest(model="top1", data="digits", out=tmp_path / "a", spiking=QUANTISED)
    network, report, about = train(request, SETTINGS)
    assert isinstance(network, Blueprint)
    loaded, stored = load_blueprint(tmp_path / "a")
    assert loaded.plan == network.plan and stored == json.loads(json.dumps(about))
    assert all(torch.equal(loaded.arrays[name], array) for name, array in network.arrays.items())
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "checkpoints", "plan.json", "weights.safetensors",
    ]  # fmt: skip
    assert stored["kind"] == "spiking" and stored["model"] == "top1" and stored["data"] == "digits"
    assert stored["spiking"]["network"]["neurons"]["membrane_bits"] == 4
    assert list(stored["leaks"].values()) == [0.5, 0.5]
    assert stored["accuracy_test"] == report.accuracy_test
    assert stored["epochs"][0]["firing_rate"] == report.epochs[0].firing_rate
    again, _, _ = train(replace(request, resume=True), SETTINGS)
    assert isinstance(again, Blueprint)
    assert all(torch.equal(again.arrays[name], array) for name, array in network.arrays.items())


def _preparation(network: object) -> InputPreparation:
    assert isinstance(network, Blueprint)
    found = network.plan.input.preparation
    assert isinstance(found, InputPreparation)
    return found


def test_rate_coding_takes_pixels_as_they_are(tmp_path: Path, digits: ImageData) -> None:
    drawn, _, _ = train(TrainRequest(model="top0", data="digits", out=tmp_path / "a", spiking=RATE), SETTINGS)
    assert _preparation(drawn).mean == (0.0,) and _preparation(drawn).std == (1.0,)
    direct, _, _ = train(TrainRequest(model="top0", data="digits", out=tmp_path / "b", spiking=QUANTISED), SETTINGS)
    assert _preparation(direct).mean == digits.preparation.mean != (0.0,)
    for images in (ImageSettings(mean=(0.1,)), ImageSettings(std=(0.5,))):
        with pytest.raises(BadSetting, match="pixels from 0 to 1 as they are"):
            TrainRequest(model="top0", data="digits", out=tmp_path / "c", spiking=RATE, images=images)


def test_a_spiking_network_starts_from_a_trained_run_and_sees_what_that_saw(tmp_path: Path) -> None:
    source, _, stored = train(TrainRequest(model="top0", data="digits", out=tmp_path / "relu"), SETTINGS)
    assert isinstance(source, Source) and source.preparation is not None
    other = replace(source.preparation, mean=(0.7,), std=(0.9,))
    save_source(tmp_path / "relu", source.with_preparation(other), about=stored)
    still = replace(SETTINGS, learning_rate=0.0)
    full = SpikingTraining(network=SpikingSettings(timesteps=2))
    request = TrainRequest(start=tmp_path / "relu", out=tmp_path / "a", spiking=full)
    network, _, about = train(request, still)
    assert isinstance(network, Blueprint)
    assert torch.equal(network.arrays["1.weight"], source.arrays["1.weight"])
    assert (_preparation(network).mean, _preparation(network).std) == ((0.7,), (0.9,))
    assert about["from"] == str(tmp_path / "relu") and about["data"] == "digits"
    drawn, _, _ = train(replace(request, out=tmp_path / "b", spiking=RATE), still)
    assert (_preparation(drawn).mean, _preparation(drawn).std) == ((0.0,), (1.0,))


def test_what_a_spiking_network_has_no_use_for_is_refused(own: str, tmp_path: Path) -> None:
    out, spikes = tmp_path / "a", SpikingSettings(readout="spikes")
    common = {"model": "top0", "data": "digits", "out": out, "spiking": QUANTISED}
    frames = SpikingTraining(network=SpikingSettings(timesteps=1, encoding="frames"))
    for given, settings, error, words in [
        ({}, replace(SETTINGS, sparsity=1e-6), BadSetting, "--sparsity"),
        (
            {},
            replace(SETTINGS, timesteps=TimestepSettings()),
            BadSetting,
            "--learn-timesteps is for networks that will",
        ),
        ({"initial_timesteps": 3}, SETTINGS, BadSetting, "--initial-timesteps"),
        ({"spiking": frames}, SETTINGS, BadData, "data 'digits': there is no such folder"),
        (
            {"spiking": frames, "images": ImageSettings(mean=(0.1,))},
            SETTINGS,
            BadSetting,
            "frames of events have no --mean",
        ),
        (
            {"spiking": SpikingTraining(network=spikes, loss="count_mse")},
            replace(SETTINGS, label_smoothing=0.1),
            BadSetting,
            "--label-smoothing is for cross-entropies",
        ),
        ({"model": f"{own}:linear"}, SETTINGS, BadModel, "no ReLU that a neuron"),
        ({"model": f"{own}:unsupported"}, SETTINGS, UnsupportedModule, "sin"),
    ]:
        with pytest.raises(error, match=words) as caught:
            run(TrainRequest(**{**common, **given}, settings=settings))  # pyright: ignore[reportArgumentType]
        assert "\n" not in str(caught.value)
        assert not out.exists()
    with pytest.raises(BadSetting, match="--levels is for networks that will be converted"):
        TrainRequest(**common, levels=3)  # pyright: ignore[reportArgumentType]
    train(TrainRequest(**common), SETTINGS)  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadFile, match="it was trained directly"):
        train(TrainRequest(start=out, out=tmp_path / "b"), SETTINGS)


def test_the_same_training_again_starts_again_and_another_asks(tmp_path: Path) -> None:
    out = tmp_path / "a"
    request = TrainRequest(model="top0", data="digits", out=out)
    first, _, _ = train(request, SETTINGS)
    checkpoint = out / "checkpoints" / "epoch-0.ckpt"
    before = checkpoint.stat().st_mtime_ns
    again, _, _ = train(request, SETTINGS)
    assert all(torch.equal(array, again.arrays[name]) for name, array in first.arrays.items())
    assert checkpoint.stat().st_mtime_ns > before  # trained once more
    for other, settings, words in (
        (replace(request, levels=3), SETTINGS, "levels differ"),
        (request, replace(SETTINGS, seed=1), "settings, source differ"),
    ):
        with pytest.raises(BadSetting, match=f"holds another run .*{words}.*: add --overwrite"):
            train(other, settings)
    assert load_source(out)[1]["settings"]["seed"] == 0
    for name in ("compare", "campaigns", "other"):
        (out / name).mkdir()
        (out / name / "x").touch()
    train(replace(request, overwrite=True), replace(SETTINGS, seed=1))
    assert load_source(out)[1]["settings"]["seed"] == 1
    assert sorted(path.name for path in out.iterdir()) == ["checkpoints", "other", "source.json", "source.safetensors"]


def test_an_unfinished_training_goes_on_without_being_told(tmp_path: Path) -> None:
    two = replace(SETTINGS, epochs=2)
    request = TrainRequest(model="top0", data="digits", out=tmp_path / "whole")
    whole, _, _ = train(request, two)

    def stop(what: str, done: int, total: int, /, note: str = "") -> None:
        if "epoch 2" in f"{what} {note}" or list(part.out.glob("checkpoints/epoch-0.ckpt")):
            raise KeyboardInterrupt

    part = replace(request, out=tmp_path / "part", settings=two)
    with pytest.raises(KeyboardInterrupt):
        run(part, on_progress=stop)
    assert [path.name for path in (part.out / "checkpoints").iterdir()] == ["epoch-0.ckpt"]
    with pytest.raises(
        BadSetting, match=r"seed was 0, now it is 1: resume with the same, or choose another --out, or --ov"
    ):
        train(part, replace(two, seed=1))
    seen: list[str] = []
    found = run(part, on_progress=lambda what, done, total, /, note="": seen.append(note))
    assert not any("epoch 1" in note for note in seen)
    assert all(torch.equal(array, found.network.arrays[name]) for name, array in whole.arrays.items())
    other, _, _ = train(replace(part, overwrite=True), replace(two, seed=1))
    assert not torch.equal(next(iter(other.arrays.values())), next(iter(whole.arrays.values())))


def test_a_second_command_in_the_folder_is_refused(tmp_path: Path) -> None:
    with claimed(tmp_path / "a"), pytest.raises(BadSetting, match="another command is at work in"):
        train(TrainRequest(model="top0", data="digits", out=tmp_path / "a"), SETTINGS)


def test_checkpoints_that_are_a_file_are_said(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "checkpoints").touch()
    with pytest.raises(BadFile, match="checkpoints is a file, not a folder"):
        train(TrainRequest(model="top0", data="digits", out=tmp_path / "a", resume=True), SETTINGS)
