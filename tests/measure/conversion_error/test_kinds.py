"""The parts of a conversion error against fractions, and against neurons that fire step by step."""

import json
from dataclasses import asdict
from fractions import Fraction
from math import floor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.errors import BadData, BadSetting
from spikewright.measure.conversion_error.kinds import PARTS, ConversionErrors, ErrorTally, conversion_errors

sixteenths = st.integers(-80, 160).map(lambda count: Fraction(count, 16))
Value = tuple[Fraction, Fraction, Fraction]  # z, u, a


def number(values: list[Fraction]) -> Tensor:
    return torch.tensor([float(value) for value in values], dtype=torch.float64)


def level(value: Fraction, start: Fraction, unit: Fraction, levels: int) -> Fraction:
    return min(max(floor((value + start) / unit), 0), levels) * unit


@given(
    st.lists(st.tuples(sixteenths, sixteenths, sixteenths), min_size=1, max_size=8),
    st.sampled_from([Fraction(1, 4), Fraction(3, 8), Fraction(1), Fraction(5, 2)]),
    st.integers(1, 9),
    sixteenths,
)
def test_the_parts_are_those_of_fractions_and_add_up(
    values: list[Value], unit: Fraction, levels: int, start: Fraction
) -> None:
    theta = unit * levels
    found = conversion_errors(
        *(number(list(column)) for column in zip(*values, strict=True)),
        threshold=number([theta]),
        levels=levels,
        initial=number([start]),
    )
    for index, (z, u, a) in enumerate(values):
        relu, clipped = max(z, Fraction(0)), min(max(z, Fraction(0)), theta)
        rounded, arriving = level(z, unit / 2, unit, levels), level(u, unit / 2, unit, levels)
        parts = {name: Fraction(float(getattr(found, name)[index])) for name in PARTS}
        assert parts["clipping"] == relu - clipped
        assert parts["quantisation"] == clipped - rounded
        assert parts["inherited"] == rounded - arriving
        assert parts["offset"] == arriving - level(u, start, unit, levels)
        assert parts["unevenness"] == level(u, start, unit, levels) - a
        assert parts["total"] == sum(parts[name] for name in PARTS[:-1]) == relu - a


def fire(currents: Tensor, unit: float, start: float, *, postponed: bool) -> Tensor:
    """The value [N] that integrate-and-fire neurons emit for currents [T, N], one spike a step at most."""
    values = []
    for neuron in currents.T.tolist():
        potential, spikes = start, 0
        if postponed:
            potential += sum(neuron)
        for current in neuron:
            potential += 0 if postponed else current
            if potential >= unit:
                potential, spikes = potential - unit, spikes + 1
        values.append(spikes * unit)
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_each_part_appears_where_its_cause_is(steps: int) -> None:
    unit, theta = 0.25, 0.25 * steps
    currents = torch.randint(-16, 24, (steps, 500), generator=torch.Generator().manual_seed(0)).double() / 32
    u = currents.sum(0)
    settings = {"threshold": torch.tensor(theta), "levels": steps}
    half, none = torch.tensor(unit / 2), torch.tensor(0.0)

    exact = conversion_errors(u, u, fire(currents, unit, unit / 2, postponed=True), initial=half, **settings)
    assert not exact.inherited.any()
    assert not exact.offset.any()
    assert not exact.unevenness.any()
    assert bool((exact.clipping >= 0).all())
    assert bool((exact.quantisation.abs() <= unit / 2).all())

    without = conversion_errors(u, u, fire(currents, unit, 0.0, postponed=True), initial=none, **settings)
    assert set(without.offset.tolist()) == {0.0, unit}
    assert not without.unevenness.any()

    early = conversion_errors(u, u, fire(currents, unit, unit / 2, postponed=False), initial=half, **settings)
    assert bool(early.unevenness.any()) == (steps > 1)
    assert not early.offset.any()

    shifted = conversion_errors(u + unit, u, fire(currents, unit, unit / 2, postponed=True), initial=half, **settings)
    assert set(shifted.inherited.tolist()) == {0.0, unit}
    assert not shifted.unevenness.any()


def test_a_tie_rounds_up_and_thresholds_may_differ_by_channel() -> None:
    z = torch.tensor([[0.125, 0.25]], dtype=torch.float64)
    found = conversion_errors(
        z, z, z * 0, threshold=torch.tensor([1.0, 2.0]), levels=4, initial=torch.tensor([0.125, 0.25])
    )
    assert found.quantisation.tolist() == [[-0.125, -0.25]]
    assert found.unevenness.tolist() == [[0.25, 0.5]]


def test_figures_do_not_depend_on_the_batches() -> None:
    z, u, a = torch.randn(3, 60, 5, generator=torch.Generator().manual_seed(1))
    more = {"threshold": torch.tensor(1.5), "levels": 3, "initial": torch.tensor(0.1)}
    whole = ErrorTally().add(conversion_errors(z, u, a, **more))
    parts = ErrorTally()
    for batch in zip(z.split(7), u.split(7), a.split(7), strict=True):
        parts = parts.add(conversion_errors(*batch, **more))
    errors = conversion_errors(z, u, a, **more)
    assert whole.values == parts.values == 300
    for name, found in whole.figures().items():
        assert asdict(parts.figures()[name]) == pytest.approx(asdict(found))
        listed = getattr(errors, name).flatten().tolist()
        assert found.mean == pytest.approx(sum(listed) / 300)
        assert found.magnitude_mean == pytest.approx(sum(map(abs, listed)) / 300)
        assert found.rms == pytest.approx((sum(value * value for value in listed) / 300) ** 0.5)
        assert found.affected_share == sum(abs(value) > 0.0005 for value in listed) / 300
    assert json.loads(json.dumps({name: asdict(found) for name, found in whole.figures().items()}))


def test_rounding_is_not_an_error() -> None:
    none, noise = torch.zeros(2), torch.tensor([1e-5, 0.01])
    errors = ConversionErrors(
        clipping=none, quantisation=none, inherited=none, offset=none, unevenness=noise, unit=torch.tensor(1.0)
    )
    figures = ErrorTally().add(errors).figures()
    assert (figures["unevenness"].affected_share, figures["total"].affected_share) == (0.5, 0.5)
    assert figures["clipping"].affected_share == 0


def test_what_does_not_fit_is_refused() -> None:
    z, more = torch.zeros(2, 3), {"threshold": torch.tensor(1.0), "levels": 3, "initial": torch.tensor(0.5)}
    with pytest.raises(BadData, match="differ in shape"):
        conversion_errors(z, z, z[:1], **more)
    with pytest.raises(BadSetting, match="levels must be at least 1 and thresholds above 0"):
        conversion_errors(z, z, z, **{**more, "levels": 0})
    with pytest.raises(BadSetting, match="thresholds above 0"):
        conversion_errors(z, z, z, **{**more, "threshold": torch.tensor(0.0)})
    with pytest.raises(BadData, match="at least one batch"):
        ErrorTally().figures()
