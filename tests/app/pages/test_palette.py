"""Colours that stay apart for every kind of sight, by a published model of it."""

from collections.abc import Sequence
from itertools import combinations

import pytest

from spikewright.app.pages.page import render
from spikewright.app.pages.palette import DARK, GREY, LIGHT, MARKERS, colour, marker

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
SIGHT = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
Triple = tuple[float, ...]


def linear(colour: str) -> Triple:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def times(matrix: Sequence[Sequence[float]], values: Triple) -> Triple:
    return tuple(sum(a * b for a, b in zip(line, values, strict=True)) for line in matrix)


def lab(values: Triple) -> Triple:
    xyz = times(TO_XYZ, tuple(min(max(value, 0), 1) for value in values))
    x, y, z = (
        part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (value / white for value, white in zip(xyz, (0.9505, 1.0, 1.089), strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize(("palette", "paper"), [(LIGHT, "#ffffff"), (DARK, "#15181c")])
def test_colours_stand_out_and_stay_apart_for_every_sight(palette: tuple[str, ...], paper: str) -> None:
    assert f"--paper: {paper}" in render("page.html", title="")
    for own in palette:
        dim, bright = sorted(times(TO_XYZ, linear(shade))[1] for shade in (own, paper))
        assert (bright + 0.05) / (dim + 0.05) >= 3
    for matrix in SIGHT.values():
        seen = [lab(times(matrix, linear(own))) for own in palette]
        for left, right in combinations(seen, 2):
            assert sum((a - b) ** 2 for a, b in zip(left, right, strict=True)) ** 0.5 >= 20


def test_series_take_turns_and_35_of_them_differ() -> None:
    looks = [(colour(index), marker(index)) for index in range(36)]
    assert len(set(looks[:35])) == 35
    assert looks[35] == looks[0] == (LIGHT[0], MARKERS[0])
    assert colour(None) == GREY
