"""Columns become recordings: polarities as they are written, strays dropped as a loop drops them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.events.reading import events_of
from spikewright.data.events.columns import recording_of
from spikewright.data.events.recording_settings import RecordingSettings
from spikewright.errors import BadData, BadFile

FILE = Path("a.npz")


def columns(**change: Any) -> dict[str, np.ndarray]:
    parts = {"x": np.array([1, 2]), "y": np.array([3, 4]), "p": np.array([0, 1]), "t": np.array([5, 9])}
    return parts | {name: np.array(values) for name, values in change.items()}


def test_polarities_are_mapped_where_it_is_said() -> None:
    how = RecordingSettings(polarity="-1/1")
    read = recording_of(columns(p=[-1, 1]), how=how, usual="us", file=FILE)
    assert events_of(read) == [(1, 3, 5, False), (2, 4, 9, True)]
    with pytest.raises(BadData, match=r"a\.npz: event 0 has p = 0: it must be -1 or 1"):
        recording_of(columns(), how=how, usual="us", file=FILE)
    with pytest.raises(BadData, match=r"event 0 has p = -1: .*for -1 and 1 give --polarity -1/1"):
        recording_of(columns(p=[-1, 1]), how=RecordingSettings(), usual="us", file=FILE)
    with pytest.raises(BadData, match="event 1 has p = 2: it must be a whole number from 0 to 1: correct"):
        recording_of(columns(p=[0, 2]), how=RecordingSettings(), usual="us", file=FILE)


def test_strays_are_dropped_as_a_loop_drops_them() -> None:
    random = np.random.default_rng(3)
    x = random.choice([-70_000, -1, 0, 3, 9, 10, 40_000, 65_536, 10**12], 200)
    y = random.choice([-1, 0, 5, 6, 2**40], 200)
    p, t = random.integers(0, 2, 200), np.arange(200)
    how = RecordingSettings(sensor=(6, 10), stray="drop")
    read = recording_of({"x": x, "y": y, "p": p, "t": t}, how=how, usual="us", file=FILE)
    rows = zip(x.tolist(), y.tolist(), t.tolist(), p.tolist(), strict=True)
    wanted = [(a, b, c, bool(d)) for a, b, c, d in rows if 0 <= a < 10 and 0 <= b < 6]
    assert events_of(read) == wanted
    assert 0 < len(wanted) < 200
    assert read.dropped == 200 - len(wanted)


def test_what_is_no_place_is_refused_however_strays_are_taken() -> None:
    for stray in ("refuse", "drop"):
        with pytest.raises(BadData, match=r"event 1 has x = 0\.5: it must be a whole number"):
            recording_of(columns(x=[0, 0.5]), how=RecordingSettings(stray=stray), usual="us", file=FILE)  # type: ignore[arg-type]
        with pytest.raises(BadData, match="event 1 has y = nan"):
            recording_of(columns(y=[0, np.nan]), how=RecordingSettings(stray=stray), usual="us", file=FILE)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [["a", "b"], [[1, 2]]])
def test_columns_hold_one_number_an_event(values: list[Any]) -> None:
    with pytest.raises(BadFile, match=r"a\.npz: p is .*: it must hold one number an event"):
        recording_of(columns(p=values), how=RecordingSettings(), usual="us", file=FILE)
