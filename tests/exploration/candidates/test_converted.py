"""Candidates that are converted: as `convert` makes them, weights rounded, timesteps by layer where a mean is asked."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from support.trained import classifier, digits

from spikewright.app.runs.compare import method_of
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.cos import Cos
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.quantise import quantise
from spikewright.errors import BadSetting
from spikewright.exploration.candidates.converted import ConvertedMaker
from spikewright.exploration.request.points import Converted
from spikewright.exploration.request.settings import WeightSettings
from spikewright.measure.samples import batches, prepared
from spikewright.measure.scoring import score
from spikewright.snn.formats.uniform import Uniform


@cache
def calibration() -> list[torch.Tensor]:
    return [x for x, _ in batches(prepared(digits().train, digits().preparation, limit=100))]


def maker(**given: Any) -> ConvertedMaker:
    stored = {"source": classifier(), "data": digits(), "about": {"model": "small", "classes": 10, "epochs": []}}
    rest = {
        "method_of": method_of,
        "calibration": calibration(),
        "weights": WeightSettings(),
        "table": "horowitz_int32",
    }
    return ConvertedMaker(**{**stored, **rest, **given})


@pytest.mark.parametrize(
    ("point", "method"),
    [
        (Converted(method="exact", timesteps=3, bits=8), Exact(timesteps=3)),
        (Converted(method="cos:rounds=2", timesteps=4, bits=4), Cos(timesteps=4, rounds=2)),
    ],
)
def test_a_point_is_converted_and_rounded(point: Converted, method: Any) -> None:
    made = maker().make(point, Path("nowhere"))
    wanted = quantise(convert(classifier(), method, calibration()), Uniform(bits=point.bits))
    assert made.blueprint.plan == wanted.plan
    for name, array in wanted.arrays.items():
        assert torch.equal(made.blueprint.arrays[name], array), name
    assert made.source is not None
    assert made.about["conversion"]["settings"]["timesteps"] == point.timesteps
    assert made.about["conversion"]["weights"]["bits"] == point.bits
    assert made.about["conversion"]["thresholds"] == "from 100 training images"
    assert made.about["data"] == "digits" and made.about["model"] == "small" and "epochs" not in made.about


def test_a_mean_is_spent_where_it_gains_most() -> None:
    stored = maker()
    made = stored.make(Converted(method="qac", mean_timesteps=2.5, bits=8), Path("nowhere"))
    labelled = list(batches(stored.validation))

    def worth(steps: tuple[int, int]) -> tuple[float, float]:
        blueprint = convert(classifier(), Qac(timesteps=steps), calibration())
        found = score(blueprint, classifier(), labelled, table="horowitz_int32")
        return found.accuracy_snn, -found.energy_joules_snn

    best = max([(3, 2), (2, 3)], key=worth)
    assert worth((3, 2)) != worth((2, 3))
    assert tuple(made.about["conversion"]["settings"]["timesteps"]) == best
    again = stored.make(Converted(method="qac", mean_timesteps=2.5, bits=4), Path("nowhere"))
    assert tuple(again.about["conversion"]["settings"]["timesteps"]) == best
    whole = stored.make(Converted(method="qac", mean_timesteps=2.0, bits=8), Path("nowhere"))
    assert tuple(whole.about["conversion"]["settings"]["timesteps"]) == (2, 2)


def test_trained_thresholds_are_said_to_be() -> None:
    made = maker(source=classifier(5, 3)).make(Converted(method="qac", timesteps=3, bits=8), Path("nowhere"))
    assert made.about["conversion"]["thresholds"] == "trained"


def test_what_exact_cannot_run_is_left_out_and_what_nothing_can_run_is_refused() -> None:
    points = [Converted(method=method, timesteps=steps, bits=8) for method in ("exact", "qcfs") for steps in (4, 20)]
    assert maker().possible(points) == [points[0], points[2], points[3]]
    with pytest.raises(BadSetting, match="exact takes at most 16 timesteps"):
        maker().possible([points[1]])
    with pytest.raises(BadSetting, match="no method named 'exakt'"):
        maker().possible([Converted(method="exakt", timesteps=4, bits=8)])
    with pytest.raises(BadSetting, match="has no setting 'round'"):
        maker().possible([Converted(method="cos:round=3", timesteps=4, bits=8)])
    with pytest.raises(BadSetting, match="runs every layer for the same time"):
        maker().possible([Converted(method="srp", mean_timesteps=2.5, bits=8)])


def test_images_are_those_of_the_trained_network() -> None:
    assert maker().validation.labels.tolist() == digits().validation.labels.tolist()
    assert len(maker().test.labels) == len(digits().test)
