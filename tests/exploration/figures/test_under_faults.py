"""Answers are kept: asked once, gone on from, and never mistaken for another network's."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spikewright.ann.source import Source
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile
from spikewright.exploration.figures.under_faults import Remembered, Strike, Struck
from spikewright.measure.samples import Prepared
from spikewright.snn.blueprint import Blueprint

IMAGES = Prepared(torch.zeros(3, 1, 2, 2), torch.tensor([0, 1, 2]))
STRIKE = Strike(ber=0.01, maps=4, seed=7, bits=8)
NETWORK = Source((1, 2, 2), (), {})


@dataclass
class Counting:
    """A measure whose accuracy under map k is 1/(k + 1), and which says what it was asked."""

    asked: list[Strike] = field(default_factory=list)

    def __call__(
        self,
        network: Blueprint | Source,
        samples: Prepared,
        strike: Strike,
        *,
        record: Path,
        on_progress: Progress = silent,
    ) -> Struck:
        assert network is NETWORK
        assert samples is IMAGES
        assert record.suffix == ".jsonl"
        self.asked.append(strike)
        return Struck(0.75, 1 / np.arange(1, strike.maps + 1))


def ask(held: Remembered, strike: Strike = STRIKE, of: str = "n") -> Struck:
    return held("ann_b8", lambda: NETWORK, IMAGES, strike, of=of)


def test_what_is_known_is_not_asked_again(tmp_path: Path) -> None:
    counting = Counting()
    held = Remembered(measure=counting, folder=tmp_path / "faults")
    assert ask(held).accuracies.tolist() == [1, 1 / 2, 1 / 3, 1 / 4]
    assert ask(held, replace(STRIKE, maps=2)).accuracies.tolist() == [1, 1 / 2]
    again = Remembered(measure=counting, folder=tmp_path / "faults")  # another process
    assert ask(again).accuracy_golden == 0.75
    assert counting.asked == [STRIKE]
    assert len(ask(again, replace(STRIKE, maps=6)).accuracies) == 6
    assert len(ask(held).accuracies) == 4
    assert [strike.maps for strike in counting.asked] == [4, 6]


def test_rates_and_seeds_have_files_of_their_own(tmp_path: Path) -> None:
    counting = Counting()
    held = Remembered(measure=counting, folder=tmp_path)
    for strike in (STRIKE, replace(STRIKE, ber=1e-3), replace(STRIKE, seed=8), STRIKE):
        ask(held, strike)
    assert len(counting.asked) == 3
    assert {path.name for path in tmp_path.glob("*.json")} == {
        "ann_b8@0.01_s7.json",
        "ann_b8@0.001_s7.json",
        "ann_b8@0.01_s8.json",
    }


def test_another_networks_answers_are_refused_and_kept(tmp_path: Path) -> None:
    held = Remembered(measure=Counting(), folder=tmp_path)
    ask(held)
    before = (tmp_path / "ann_b8@0.01_s7.json").read_bytes()
    for strike, of in ((STRIKE, "other"), (replace(STRIKE, bits=4), "n"), (replace(STRIKE, per_channel=True), "n")):
        with pytest.raises(BadFile, match="holds accuracies of another network, or under other faults"):
            ask(held, strike, of)
    assert (tmp_path / "ann_b8@0.01_s7.json").read_bytes() == before


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"of": {}, "accuracy_golden": "x", "accuracies": []}'])
def test_damaged_answers_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ann_b8@0.01_s7.json").write_text(content)
    with pytest.raises(BadFile, match=r"_s7\.json cannot be read .*delete it to measure again"):
        ask(Remembered(measure=Counting(), folder=tmp_path))


def test_an_interrupted_campaign_leaves_no_answer(tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> Struck:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(Remembered(measure=interrupted, folder=tmp_path))
    assert not list(tmp_path.glob("*.json"))
    assert len(ask(Remembered(measure=Counting(), folder=tmp_path)).accuracies) == 4  # the lock is free
