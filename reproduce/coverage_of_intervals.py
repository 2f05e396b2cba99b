"""What the two ways to decide are worth, by simulation: coverage, false verdicts, power.

    python reproduce/coverage_of_intervals.py

Campaigns of up to 1,000 maps are drawn from distributions whose mean is known; bars are those that a gate has to meet.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from conditions import conditions
from numpy.random import Generator
from numpy.typing import NDArray

from spikewright.data.files import write_json
from spikewright.measure.statistics.betting import betting_interval
from spikewright.measure.statistics.decisions import Normal, Strict, Verdict, Way
from spikewright.measure.statistics.intervals import clopper_pearson, t_interval
from spikewright.measure.statistics.values import DIFFERENCE

CAP = 1000
SEED = 0
IMAGES = 2000  # accuracies are multiples of 1/2,000
Draw = Callable[[Generator, int], NDArray[np.float64]]


def bell(generator: Generator, maps: int, *, spread: float, mean: float = 0.0) -> NDArray[np.float64]:
    return np.round(generator.normal(mean, spread, maps) * IMAGES) / IMAGES


def losses(generator: Generator, maps: int, *, share: float, loss: float) -> NDArray[np.float64]:
    """Mean 0: most maps gain a little, a `share` of them loses `loss`."""
    return bell(generator, maps, spread=0.005, mean=share * loss) - loss * (generator.random(maps) < share)


def uneven(generator: Generator, maps: int) -> NDArray[np.float64]:
    """As a small network's accuracies at a bit error rate of 1e-2: mean 84 %, sd 7 points, skewness −0.7; centred."""
    mean, spread = 0.84, 0.0725
    count = mean * (1 - mean) / spread**2 - 1
    return np.round(generator.beta(mean * count, (1 - mean) * count, maps) * IMAGES) / IMAGES - mean


DRAWS: dict[str, Draw] = {
    "near normal, sd 1 point": partial(bell, spread=0.01),
    "near normal, sd 7 points, skewness -0.7": uneven,
    "skewed, 5 % of maps lose 30 points": partial(losses, share=0.05, loss=0.3),
}
BLIND: Draw = partial(losses, share=0.01, loss=0.5)


def share_of(found: list[bool]) -> dict[str, float | int]:
    """A share of campaigns, and where the true one lies."""
    exact = clopper_pearson(sum(found), len(found))
    return {
        "share": sum(found) / len(found),
        "low": round(exact.low, 5),
        "high": round(exact.high, 5),
        "campaigns": len(found),
    }


def campaigns(draw: Draw, count: int, maps: int = CAP) -> list[NDArray[np.float64]]:
    generator = np.random.default_rng(SEED)
    return [draw(generator, maps) for _ in range(count)]


def covers(low: float, high: float) -> bool:
    return low <= 0 <= high


def coverage(draw: Draw, count: int) -> dict[str, Any]:
    """Share of campaigns whose 95 % interval holds the true mean, 0; strict: at every count up to 1,000 at once."""
    drawn = campaigns(draw, count)
    return {
        **{
            f"normal, {maps} maps": share_of([covers(*t_interval(x[:maps], bounds=DIFFERENCE)[:2]) for x in drawn])
            for maps in (100, 128, CAP)
        },
        "strict, 1 to 1,000 maps": share_of([covers(*betting_interval(x, bounds=DIFFERENCE)[:2]) for x in drawn]),
    }


def verdicts(way: Way, draw: Draw, count: int, *, margin: float) -> dict[str, Any]:
    """Shares of PASS and FAIL, and of either, with planned looks up to 1,000 maps."""
    found = [way.decide(x, margin=margin, cap=CAP) for x in campaigns(draw, count)]
    return {
        "PASS": share_of([one.verdict is Verdict.PASS for one in found]),
        "FAIL": share_of([one.verdict is Verdict.FAIL for one in found]),
        "either": share_of([one.verdict is not Verdict.UNDECIDED for one in found]),
    }


def asked_after_every_map(draw: Draw, count: int) -> dict[str, float | int]:
    """What planned looks are for: an ordinary 95 % t interval, asked after each of maps 10 … 1,000."""

    def ever_wrong(x: NDArray[np.float64]) -> bool:
        n = np.arange(1, len(x) + 1)
        mean = x.cumsum() / n
        variance = ((x**2).cumsum() - n * mean**2) / np.maximum(n - 1, 1)
        return bool((np.abs(mean) > 1.96 * np.sqrt(np.maximum(variance, 0) / n))[9:].any())

    return share_of([ever_wrong(x) for x in campaigns(draw, count)])


def power(way: Way, count: int, maps: int) -> dict[str, Any]:
    """A difference 5 points off the boundary, either way, at a standard deviation of 1 point."""
    better = [way.decide(x, margin=0.05, cap=maps) for x in campaigns(DRAWS["near normal, sd 1 point"], count, maps)]
    worse = [way.decide(x, margin=-0.05, cap=maps) for x in campaigns(DRAWS["near normal, sd 1 point"], count, maps)]
    right = [one.verdict is Verdict.PASS for one in better] + [one.verdict is Verdict.FAIL for one in worse]
    used = sorted(one.maps for one in better + worse)
    return {"decided_rightly": share_of(right), "maps_median": used[len(used) // 2], "maps_most": used[-1]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--campaigns", type=int, default=10000, help="simulated for each figure of the normal way")
    parser.add_argument("--strict-campaigns", type=int, default=2000, help="for each that needs the strict way")
    settings = parser.parse_args()
    began, many, few = time.monotonic(), settings.campaigns, settings.strict_campaigns
    normal, strict = Normal(), Strict()
    bells = [name for name in DRAWS if name.startswith("near")]
    skewed = next(name for name in DRAWS if name not in bells)

    cover = {name: coverage(draw, few) for name, draw in DRAWS.items()}
    for name in bells:  # the bar is 2 points wide either way: more campaigns than the strict way needs
        drawn = campaigns(DRAWS[name], many)
        for maps in (100, 128):
            cover[name][f"normal, {maps} maps"] = share_of([covers(*t_interval(x[:maps])[:2]) for x in drawn])
    print("coverage", cover, flush=True)
    boundary = {
        name: {"normal": verdicts(normal, draw, many, margin=0.0), "strict": verdicts(strict, draw, few, margin=0.0)}
        for name, draw in DRAWS.items()
    }
    print("boundary", boundary, flush=True)
    off = {f"margin {100 * m:g}": verdicts(normal, DRAWS[skewed], many, margin=m)["either"] for m in (0.01, 0.05)}
    powers = {"normal, 128 maps": power(normal, few, 128), "strict, 2,048 maps": power(strict, few // 4, 2048)}
    blind = {"normal": verdicts(normal, BLIND, many, margin=0.0), "strict": verdicts(strict, BLIND, few, margin=0.0)}

    spoken = max(boundary[skewed]["normal"]["either"]["share"], *(one["share"] for one in off.values()))
    false = {way: max(boundary[name][way]["either"]["share"] for name in DRAWS) for way in ("normal", "strict")}
    fixed = [cover[name][f"normal, {maps} maps"]["share"] for name in bells for maps in (100, 128)]
    anytime = [cover[name]["strict, 1 to 1,000 maps"]["share"] for name in DRAWS]
    bars = {
        "normal covers 93 to 97 % on near-normal maps": (
            all(0.93 <= share <= 0.97 for share in fixed),
            f"{min(fixed):.2%} to {max(fixed):.2%}",
        ),
        "normal gives no verdict on skewed maps (to at most 0.5 % of campaigns)": (
            spoken <= 0.005,
            f"{spoken:.2%} of campaigns got one; {0.95**128:.2%} meet no loss in 128 maps and look normal to any test",
        ),
        "strict covers at least 95 % on both": (min(anytime) >= 0.95, f"{min(anytime):.2%} at worst"),
        "false verdicts at the boundary at most 5 %": (
            max(false.values()) <= 0.05,
            f"normal {false['normal']:.2%}, strict {false['strict']:.2%} at worst",
        ),
        "normal decides 5 points at sd 1 point within 128 maps": (
            powers["normal, 128 maps"]["decided_rightly"]["share"] == 1,
            f"{powers['normal, 128 maps']['decided_rightly']['share']:.2%}",
        ),
        "strict decides 5 points at sd 1 point within 2,048 maps": (
            powers["strict, 2,048 maps"]["decided_rightly"]["share"] == 1,
            f"{powers['strict, 2,048 maps']['decided_rightly']['share']:.2%}, "
            f"{powers['strict, 2,048 maps']['maps_most']} maps at most",
        ),
    }
    for bar, (met, figure) in bars.items():
        print("met    " if met else "NOT MET", f"{bar}: {figure}", flush=True)
    result = {
        "shows": "by simulation, what the ways to decide are worth; level 95 %, planned looks up to 1,000 maps",
        "bars": {bar: {"met": met, "measured": figure} for bar, (met, figure) in bars.items()},
        **conditions(began, seeds=[SEED]),
        "coverage": cover,
        "verdicts_at_the_boundary": boundary,
        "verdicts_of_normal_on_skewed_maps_off_the_boundary": off,
        "power_at_5_points_and_sd_1_point": powers,
        "what_planned_looks_are_for": {
            "t_interval_asked_after_each_of_10_to_1000_maps_wrong": asked_after_every_map(DRAWS[bells[0]], many)
        },
        "what_normal_cannot_see": {
            "maps": "1 % of maps lose 50 points; 28 % of campaigns meet none of them in 128 maps",
            "verdicts_at_the_boundary": blind,
        },
    }
    write_json(Path(__file__).with_suffix(".json"), result)


if __name__ == "__main__":
    main()
