"""Search files: what they become, and one line for whatever is wrong in them."""

import copy
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from spikewright.errors import BadFile, BadSetting
from spikewright.exploration.request.config import read, settings
from spikewright.exploration.request.settings import (
    ConvertTable,
    FaultSettings,
    GateSettings,
    NetworkSettings,
    SampleSettings,
    SearchSettings,
    TrainTable,
    WeightSettings,
    WidenSettings,
)
from spikewright.exploration.request.space import ConvertedSpace, Span, TrainedSpace

TRAIN = """
kind = "train"
out = "runs/search"
seed = 3

[network]
run = "runs/ann"

[space]
timesteps = [10, 30]
thresholds = [0.5, 1.5]
neurons = ["if", "lif"]
leaks = [0.9]

[train]
epochs = 5
batch_size = 64
surrogate_width = 2
start = "network"

[weights]
per_channel = true

[gates]
accuracy_margin = 1
way = "strict"

[faults]
ber = [1e-3, 1e-2]
maps = 128

[faults.settings]
at = 1

[widen]
rounds = 2
lists = ["thresholds"]
"""

CONVERT = """
kind = "convert"
out = "runs/search"

[network]
run = "runs/ann"
data = "digits"

[space]
methods = ["exact", "cos:rounds=3"]
timesteps = { low = 1, high = 16, log = true }

[convert]
calibration = 100

[optuna]
trials = 20
sampler = "nsga2"
objectives = ["accuracy", "memory"]
storage = "postgresql://me@host/db"
workers = 2
"""


def test_a_file_becomes_settings(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(TRAIN)
    assert read(tmp_path / "s.toml") == SearchSettings(
        kind="train",
        out=Path("runs/search"),
        seed=3,
        network=NetworkSettings(run=Path("runs/ann")),
        space=TrainedSpace(timesteps=(10, 30), thresholds=(0.5, 1.5), neurons=("if", "lif"), leaks=(0.9,)),
        train=TrainTable(epochs=5, start="network", options={"batch_size": 64, "surrogate_width": 2.0}),
        weights=WeightSettings(per_channel=True),
        gates=GateSettings(accuracy_margin=1.0, way="strict"),
        faults=FaultSettings(ber=(1e-3, 1e-2), maps=128, settings={"at": 1}),
        widen=WidenSettings(rounds=2, lists=("thresholds",)),
    )


def test_a_file_of_conversions_becomes_settings() -> None:
    assert settings(tomllib.loads(CONVERT)) == SearchSettings(
        kind="convert",
        out=Path("runs/search"),
        network=NetworkSettings(run=Path("runs/ann"), data="digits"),
        space=ConvertedSpace(methods=("exact", "cos:rounds=3"), timesteps=Span(low=1, high=16, log=True)),
        convert=ConvertTable(calibration=100),
        optuna=SampleSettings(
            trials=20,
            sampler="nsga2",
            objectives=("accuracy", "memory"),
            storage="postgresql://me@host/db",
            workers=2,
        ),
    )


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda stored: stored.update(sede=1),
            "there is no key 'sede': did you mean 'seed'? choose among kind, network",
        ),
        (
            lambda stored: stored["space"].update(treshold=[1]),
            "[space]: there is no key 'treshold': did you mean 'thresholds'?",
        ),
        (
            lambda stored: stored["train"].update(bach_size=1),
            "[train]: there is no key 'bach_size': did you mean 'batch_size'?",
        ),
        (lambda stored: stored["gates"].update(acuracy_margin=1), "[gates]: there is no key 'acuracy_margin'"),
        (lambda stored: stored["faults"].update(mapps=1), "[faults]: there is no key 'mapps': did you mean 'maps'?"),
        (
            lambda stored: stored["space"].update(thresholds={"lo": 1, "high": 2}),
            "[space.thresholds]: there is no key 'lo'",
        ),
        (lambda stored: stored.pop("kind"), "there is no 'kind': give kind ="),
        (lambda stored: stored.pop("network"), "there is no 'network': give [network]"),
        (lambda stored: stored["network"].pop("run"), "[network] has no 'run': give one"),
        (lambda stored: stored.update(kind="both"), "kind is 'both': input should be 'train' or 'convert'"),
        (lambda stored: stored.update(network="runs/ann"), "network is 'runs/ann': it must be a table, [network]"),
        (lambda stored: stored.update(convert={}), "[convert] is for kind = 'convert', and kind is 'train'"),
        (lambda stored: stored.update(optuna=3), "optuna is 3: it must be a table, [optuna]"),
        (
            lambda stored: stored["space"].update(timesteps=["8"]),
            "[space] timesteps is ['8']: input should be a valid integer",
        ),
        (lambda stored: stored["space"].update(timesteps=[True]), "[space] timesteps is [True]: input should be"),
        (lambda stored: stored["space"].update(timesteps=8), "[space] timesteps is 8: input should be a valid"),
        (lambda stored: stored["space"].update(timesteps=[]), "[space] timesteps is empty: give at least one value"),
        (
            lambda stored: stored["faults"].update(ber=[1.5]),
            "[faults] ber has 1.5: a rate is a probability, give 0 to 1",
        ),
        (lambda stored: stored["faults"].update(ber=[-0.1]), "[faults] ber has -0.1"),
        (lambda stored: stored["faults"].update(ber=[]), "[faults] ber is empty: give at least one bit error rate"),
        (lambda stored: stored["train"].update(batch_size="64"), "[train] batch_size is '64': input should be a valid"),
        (
            lambda stored: stored["train"].update(threshold=1.0),
            "[train] threshold is searched: give its values under [space]",
        ),
        (
            lambda stored: stored["train"].update(weight_bits=4),
            "[train] weight_bits: weights are rounded after training",
        ),
        (lambda stored: stored["train"].update(options={}), "[train] options: give each option a line of its own"),
        (lambda stored: stored["train"].update(recipe="paper9"), "[train] training: no recipe named 'paper9'"),
        (lambda stored: stored["widen"].update(lists=["bits"]), "[widen] lists: 'bits' does not widen"),
    ],
)
def test_what_is_wrong_is_named(change: Change, words: str) -> None:
    stored = copy.deepcopy(tomllib.loads(TRAIN))
    change(stored)
    with pytest.raises(BadSetting) as refused:
        settings(stored)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_is_named_where_something_is_wrong_in_it(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    with pytest.raises(BadFile, match=r"no search configuration at .*s\.toml: give a TOML file"):
        read(path)
    path.write_text("kind = ")
    with pytest.raises(BadFile, match=r"s\.toml is not valid TOML: "):
        read(path)
    path.write_text(TRAIN.replace("seed = 3", "sed = 3"))
    with pytest.raises(BadSetting, match=r"s\.toml: there is no key 'sed': did you mean 'seed'\?"):
        read(path)


@pytest.mark.parametrize("name", ["search.toml", "search_conversions.toml"])
def test_examples_can_be_read_and_have_points(name: str) -> None:
    stored = read(Path(__file__).parents[3] / "examples" / name)
    assert stored.space.points()
    assert (stored.optuna is None) == (stored.kind == "train")


def test_the_guide_names_every_key_there_is() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "search.md").read_text()
    tables = [NetworkSettings, TrainedSpace, ConvertedSpace, ConvertTable, WeightSettings, GateSettings, FaultSettings]
    for cls in (*tables, WidenSettings, SampleSettings, SearchSettings, TrainTable):
        for field in fields(cls):
            if field.name not in ("options",):
                assert f"{field.name}`" in guide or f"[{field.name}]" in guide or f".{field.name}]" in guide, field.name
