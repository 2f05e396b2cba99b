"""Settings that cannot be are refused where they are made, not where they are used."""

from pathlib import Path
from typing import Any

import pytest

from spikewright.errors import BadSetting, nearest
from spikewright.exploration.request.settings import (
    ConvertTable,
    FaultSettings,
    GateSettings,
    NetworkSettings,
    SampleSettings,
    SearchSettings,
    TrainTable,
    WidenSettings,
)
from spikewright.exploration.request.space import ConvertedSpace, Span, TrainedSpace

NAN = float("nan")
SPACE = TrainedSpace(timesteps=(4,), thresholds=(1.0,))


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (GateSettings, {"accuracy_margin": -1}, r"\[gates\] accuracy_margin is -1"),
        (
            GateSettings,
            {"reliability_margin": 100},
            "reliability_margin is 100: give percentage points, from 0 to less",
        ),
        (GateSettings, {"reliability_margin": NAN}, "reliability_margin is nan"),
        (GateSettings, {"energy_share": 0}, r"\[gates\] energy_share is 0: it must be above 0"),
        (GateSettings, {"energy_share": NAN}, "energy_share is nan"),
        (GateSettings, {"level": 95}, r"\[gates\] level is 95: it must be between 0.5 and 1"),
        (GateSettings, {"energy_table": "free"}, "no energy table named 'free'"),
        (FaultSettings, {"ber": ()}, r"\[faults\] ber is empty"),
        (FaultSettings, {"ber": (1.01,)}, "ber has 1.01: a rate is a probability"),
        (FaultSettings, {"ber": (NAN,)}, "ber has nan"),
        (FaultSettings, {"ber": (0.1, 0.1)}, "ber has 0.1 twice"),
        (FaultSettings, {"maps": 1}, r"\[faults\] maps is 1: it must be 2 or more"),
        (FaultSettings, {"maps": 200, "cap": 100}, r"\[faults\] cap is 100: it must be at least maps"),
        (FaultSettings, {"images": 0}, r"\[faults\] images is 0"),
        (FaultSettings, {"workers": 0}, r"\[faults\] workers is 0"),
        (WidenSettings, {"rounds": -1}, r"\[widen\] rounds is -1"),
        (WidenSettings, {"most_timesteps": 0}, r"\[widen\] most_timesteps is 0"),
        (ConvertTable, {"calibration": 0}, r"\[convert\] calibration is 0"),
        (TrainTable, {"epochs": 0}, r"\[train\] epochs is 0"),
        (TrainTable, {"options": {"leak": 0.5}}, r"\[train\] leak is searched: give its values under \[space\] leaks"),
        (TrainTable, {"recipe": "paper3"}, "recipe 'paper3' trains 1-bit weights, and a search rounds them afterwards"),
        (SampleSettings, {"trials": 0}, r"\[optuna\] trials is 0"),
        (SampleSettings, {"workers": 0}, r"\[optuna\] workers is 0"),
        (SampleSettings, {"workers": 1025}, r"\[optuna\] workers is 1025: it must be 1024 or less"),
        (FaultSettings, {"ber": (-0.01,)}, "ber has -0.01: a rate is a probability"),
        (GateSettings, {"level": 0.5}, r"\[gates\] level is 0.5: it must be between 0.5 and 1"),
        (GateSettings, {"level": 1}, r"\[gates\] level is 1: it must be between 0.5 and 1"),
        (GateSettings, {"energy_share": float("inf")}, "energy_share is inf"),
        (SampleSettings, {"objectives": ()}, r"\[optuna\] objectives: give each once"),
        (SampleSettings, {"objectives": ("energy", "energy")}, r"\[optuna\] objectives: give each once"),
        (SampleSettings, {"objectives": ("enrgy",)}, "there is no 'enrgy': did you mean 'energy'?"),
        (
            SampleSettings,
            {"storage": "sqlite:///a.db", "workers": 2},
            "SQLite loses trials when several processes write",
        ),
        (SampleSettings, {"storage": "journel"}, "storage is 'journel': give 'journal' or postgresql://"),
    ],
)
def test_numbers_out_of_range(kind: Any, given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        kind(**given)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (GateSettings, {"accuracy_margin": 0, "reliability_margin": 99.9, "energy_share": 1e-9, "level": 0.51}),
        (FaultSettings, {"ber": (0, 1), "maps": 2, "cap": 2, "images": 1, "workers": 1}),
        (WidenSettings, {"rounds": 0, "most_timesteps": 1}),
        (SampleSettings, {"trials": 1, "workers": 1, "storage": "sqlite:///a.db", "objectives": ("energy",)}),
        (SampleSettings, {"workers": 1024}),
    ],
)
def test_the_ends_of_a_range_are_in_it(kind: Any, given: dict[str, Any]) -> None:
    made = kind(**given)
    assert {name: getattr(made, name) for name in given} == given


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "convert"}, r"kind is 'convert', and \[space\] is of the other kind"),
        ({"seed": -1}, "seed is -1"),
        ({"optuna": SampleSettings(), "widen": WidenSettings(rounds=1)}, r"\[widen\] is for a grid"),
        ({"widen": WidenSettings(lists=("leaks",))}, "'leaks' does not widen: choose among timesteps, thresholds"),
        ({"space": TrainedSpace(timesteps=Span(low=1, high=4), thresholds=(1.0,))}, "timesteps is a range"),
        (
            {
                "space": TrainedSpace(timesteps=Span(low=1, high=4), thresholds=(1.0,)),
                "optuna": SampleSettings(),
                "widen": WidenSettings(lists=("timesteps",)),
            },
            "'timesteps' is a range, which does not widen",
        ),
    ],
)
def test_settings_that_do_not_go_together(given: dict[str, Any], words: str) -> None:
    plain = {"kind": "train", "network": NetworkSettings(run=Path("a")), "out": Path("b"), "space": SPACE}
    with pytest.raises(BadSetting, match=words):
        SearchSettings(**{**plain, **given})


def test_defaults_are_the_papers() -> None:
    stored = SearchSettings(kind="train", network=NetworkSettings(run=Path("a")), out=Path("b"), space=SPACE, seed=7)
    assert stored.train.chosen["encoding"] == "rate"
    assert stored.train.chosen["reset"] == "delayed"
    assert (stored.gates.accuracy_margin, stored.gates.reliability_margin, stored.gates.energy_share) == (0, 0, 1)
    assert stored.fault_seed == 7
    assert stored.widened_lists == ("timesteps", "thresholds")
    assert TrainTable(recipe="none").chosen["encoding"] == "direct"
    other = ConvertedSpace(methods=("exact",), timesteps=(4,))
    converted = SearchSettings(
        kind="convert", network=stored.network, out=stored.out, space=other, faults=FaultSettings(seed=9),
        widen=WidenSettings(lists=("timesteps",)),
    )  # fmt: skip
    assert converted.fault_seed == 9
    assert converted.widened_lists == ("timesteps",)


def test_the_nearest_name_is_named() -> None:
    assert nearest("acuracy", ["energy", "accuracy"]) == "did you mean 'accuracy'? choose among energy, accuracy"
    assert nearest("zzz", ["energy"]) == "choose among energy"
