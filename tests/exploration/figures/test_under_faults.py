"""Answers are kept: asked once, gone on from, and never mistaken for another network's."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spikewright.ann.source import Source
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile
from spikewright.exploration.figures.under_faults import FaultLoad, FaultyAccuracies, Remembered
from spikewright.measure.samples import Prepared
from spikewright.snn.blueprint import Blueprint

IMAGES = Prepared(torch.zeros(3, 1, 2, 2), torch.tensor([0, 1, 2]))
STRIKE = FaultLoad(ber=0.01, maps=4, seed=7, bits=8)
NETWORK = Source.of((1, 2, 2), (), {})


@dataclass
class Counting:
    """A measure whose accuracy under map k is 1/(k + 1), and which says what it was asked."""

    asked: list[FaultLoad] = field(default_factory=list)

    def __call__(
        self,
        network: Blueprint | Source,
        samples: Prepared,
        load: FaultLoad,
        *,
        record: Path,
        on_progress: Progress = silent,
    ) -> FaultyAccuracies:
        assert network is NETWORK
        assert samples is IMAGES
        assert record.suffix == ".jsonl"
        self.asked.append(load)
        return FaultyAccuracies(0.75, 1 / np.arange(1, load.maps + 1))


def ask(stored: Remembered, load: FaultLoad = STRIKE, of: str = "n") -> FaultyAccuracies:
    return stored("ann_b8", lambda: NETWORK, IMAGES, load, of=of)


def test_what_is_known_is_not_asked_again(tmp_path: Path) -> None:
    counting = Counting()
    stored = Remembered(measure=counting, folder=tmp_path / "faults")
    assert ask(stored).accuracies.tolist() == [1, 1 / 2, 1 / 3, 1 / 4]
    assert ask(stored, replace(STRIKE, maps=2)).accuracies.tolist() == [1, 1 / 2]
    again = Remembered(measure=counting, folder=tmp_path / "faults")  # another process
    assert ask(again).accuracy_golden == 0.75
    assert counting.asked == [STRIKE]
    assert len(ask(again, replace(STRIKE, maps=6)).accuracies) == 6
    assert len(ask(stored).accuracies) == 4
    assert [load.maps for load in counting.asked] == [4, 6]


def test_rates_and_seeds_have_files_of_their_own(tmp_path: Path) -> None:
    counting = Counting()
    stored = Remembered(measure=counting, folder=tmp_path)
    for load in (STRIKE, replace(STRIKE, ber=1e-3), replace(STRIKE, seed=8), STRIKE):
        ask(stored, load)
    assert len(counting.asked) == 3
    assert {path.name for path in tmp_path.glob("*.json")} == {
        "ann_b8@0.01_s7.json",
        "ann_b8@0.001_s7.json",
        "ann_b8@0.01_s8.json",
    }


def test_another_networks_answers_are_refused_and_kept(tmp_path: Path) -> None:
    stored = Remembered(measure=Counting(), folder=tmp_path)
    ask(stored)
    before = (tmp_path / "ann_b8@0.01_s7.json").read_bytes()
    for load, of in ((STRIKE, "other"), (replace(STRIKE, bits=4), "n"), (replace(STRIKE, per_channel=True), "n")):
        with pytest.raises(BadFile, match="holds accuracies of another network, or under other faults"):
            ask(stored, load, of)
    assert (tmp_path / "ann_b8@0.01_s7.json").read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '{"of": {}, "accuracy_golden": "x", "accuracies": []}',
        '{"of": {}, "accuracy_golden": 1, "accuracies": ["many"]}',
        '{"of": {}, "accuracy_golden": 1, "accuracies": [{}]}',
    ],
)
def test_damaged_answers_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ann_b8@0.01_s7.json").write_text(content)
    with pytest.raises(BadFile, match=r"_s7\.json (cannot be read|is not valid JSON) .*delete it to measure again"):
        ask(Remembered(measure=Counting(), folder=tmp_path))


def test_an_interrupted_campaign_leaves_no_answer(tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> FaultyAccuracies:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(Remembered(measure=interrupted, folder=tmp_path))
    assert not list(tmp_path.glob("*.json"))
    assert len(ask(Remembered(measure=Counting(), folder=tmp_path)).accuracies) == 4  # the lock is free
