"""Numbers as a person reads them: shares in percent, differences in points, energies in a unit that fits.

All take plain numbers and give text; what is not known is a dash.
"""

from collections.abc import Iterable

NOTHING = "–"
PREFIXES = ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"), (1e-12, "pJ"))


def percent(share: float | None) -> str:
    """A share (0..1) as 93.03%."""
    return NOTHING if share is None else f"{share:.2%}".replace("-", "−")


def points(difference: float | None) -> str:
    """A difference of shares in points, signed: +0.40, −6.68."""
    return NOTHING if difference is None else f"{round(100 * difference, 2) + 0:+.2f}".replace("-", "−")


def three_digits(value: float | None) -> str:
    """Three digits that count, and all that stand before the point: 0.170, 3.40, 1234."""
    if value is None:
        return NOTHING
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def bit_error_rate(rate: float | None) -> str:
    """A bit error rate as people write it: 1e-3, 2.5e-4, 0, 1."""
    if rate is None:
        return NOTHING
    mantissa, exponent = f"{rate:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}" if 0 < rate < 1 else f"{rate:g}"


def energy_unit(joules: Iterable[float | None]) -> tuple[float, str]:
    """The largest unit in which the largest energy is at least 1: joules a unit, and its name."""
    largest = max((one or 0.0 for one in joules), default=0.0)
    return next((pair for pair in PREFIXES if largest >= pair[0]), PREFIXES[-1])
