"""How deviations are summed up, and the results that are beside the script."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from support.scripts import FOLDER, loaded


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with loaded("pitch") as module:
        yield module


@pytest.fixture(scope="module")
def sizes() -> dict[str, Any]:
    return json.loads((FOLDER / "pitch.json").read_text())["sizes"]


def test_deviations_are_without_sign_and_fifty_is_within(script: ModuleType) -> None:
    source = torch.full((5,), 3000.0, dtype=torch.float64)
    moved = torch.tensor([0.0, -1.0, 2.0, 50.0, -51.0], dtype=torch.float64)
    assert script.deviation(source + moved, source) == {
        "median_cents": 2.0,
        "ninetieth_percentile_cents": 50.6,
        "largest_cents": 51.0,
        "share_within_50_cents": 0.8,
    }


def test_logits_go_through_a_sigmoid_before_a_pitch_is_read(script: ModuleType) -> None:
    logits = torch.randn(70, 360, generator=torch.Generator().manual_seed(0))
    found = script.heard(lambda part: logits[: len(part)], torch.zeros(8, 1024), logits=True)
    same = script.heard(lambda part: logits[: len(part)].sigmoid(), torch.zeros(8, 1024), logits=False)
    assert torch.equal(found, same)
    assert not torch.equal(found, script.pitch(logits[:8]))


def test_frames_of_several_batches_stay_in_order(script: ModuleType) -> None:
    peaks = torch.arange(70) * 5
    frames = torch.nn.functional.one_hot(peaks, 360).float()
    found = script.heard(lambda part: part, frames, logits=False)
    assert torch.allclose(found, 1997.3794084376191 + 20 * peaks.double(), rtol=0, atol=1e-9)


def test_every_code_is_equal_and_bars_are_judged_as_they_stand(script: ModuleType, sizes: dict[str, Any]) -> None:
    for size, found in sizes.items():
        measured = [row["timesteps"] for row in found["rows"]]
        assert measured == sorted(measured)
        assert {*script.BARS} <= {*measured}, size
        for row in found["rows"]:
            verified = row["verified"]
            assert verified["mismatched_codes"] == 0
            assert verified["proven"]
            assert verified["tones"] >= 16
            medians = row["median_cents_on_calibration_tones"]
            assert row["per_channel"] == (medians["per_channel"] < medians["per_layer"])
            if row["timesteps"] in script.BARS:
                assert row["met"] == (row["median_cents"] <= script.BARS[row["timesteps"]])
    assert {*sizes} == {"full", "tiny"}
    assert [row["timesteps"] for row in sizes["tiny"]["rows"]] == list(script.TIMESTEPS)
