"""What a campaign may be asked for, and what it says it found."""

import json
from typing import Any

import numpy as np
import pytest

from spikewright.errors import BadSetting
from spikewright.reliability.campaign.outcomes import Outcome
from spikewright.reliability.campaign.protection import Protection
from spikewright.reliability.campaign.rows import row_of
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.dead_neuron import DeadNeuron
from spikewright.reliability.injectable.propagate import Shortcuts
from spikewright.reliability.sites import Sites
from spikewright.reliability.workers.pool import Workers
from spikewright.snn.formats.uniform import Uniform

FAULT = BitFlip(ber=0.01)
CLIPPED = {"protection": Protection(clip=True, ecc=1)}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"maps": 0}, "inject: maps must be at least 1, got 0"),
        ({"maps": -5}, "inject: maps must be at least 1, got -5"),
        ({"cap": 0}, "inject: cap must be at least 1, got 0"),
        ({"batch_size": 0}, "inject: batch_size must be at least 1, got 0"),
        ({"maps": 1_000_001}, "inject: maps must be at most 1,000,000, got 1000001"),
        ({"cap": 1_000_001}, "inject: cap must be at most 1,000,000, got 1000001"),
        ({"batch_size": 1_000_001}, "inject: batch_size must be at most 1,000,000, got 1000001"),
        ({"seed": 2**63}, "inject: seed has 64 bits, got 9223372036854775808: give a smaller one"),
        ({"seed": -(2**63) - 1}, "inject: seed has 64 bits, got -9223372036854775809: give a smaller one"),
        ({"level": 0.0}, "inject: level must be between 0 and 1, got 0.0"),
        ({"precision": 1.0}, "got 1.0"),
        ({"scope": "neuron"}, "inject: no scope 'neuron': choose one of model, layer, bit, cell, channel"),
        ({"level": 1.0}, "inject: level must be between 0 and 1, got 1.0"),
        ({"level": float("nan")}, "inject: level must be between 0 and 1, got nan"),
        ({"precision": 0.0}, r"inject: precision must be between 0 and 1 \(0.01 is one point\), got 0.0"),
        ({"precision": 1.5}, "got 1.5"),
        ({"precision": float("nan")}, "got nan"),
        ({"bits": 1}, "weight bits must be in 2..16, got 1"),
        ({"weight_range": 0.0}, "a weight range is one number above 0 for a whole tensor, got 0.0"),
        ({"weight_range": 1.0, "per_channel": True}, "a weight range is one number above 0 for a whole tensor"),
        ({"bits": 17}, "weight bits must be in 2..16, got 17"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(more: dict[str, Any], says: str) -> None:
    with pytest.raises(BadSetting, match=says) as caught:
        InjectSettings(fault=FAULT, **more)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        {"maps": 1, "cap": 1, "batch_size": 1, "seed": -(2**63), "level": 1e-9, "precision": 1e-9, "bits": 2},
        {"maps": 10**6, "cap": 10**6, "batch_size": 10**6, "seed": 2**63 - 1, "bits": 16},
    ],
)
def test_the_ends_of_a_range_are_in_it(more: dict[str, Any]) -> None:
    made = InjectSettings(fault=FAULT, **more)
    assert {name: getattr(made, name) for name in more} == more


def test_how_many_maps_are_planned() -> None:
    assert InjectSettings(fault=FAULT).counts == (100,)
    assert InjectSettings(fault=FAULT, maps=7).counts == (7,)
    assert InjectSettings(fault=FAULT, maps=7, precision=0.01).counts == (128, 256, 512, 1000)
    assert InjectSettings(fault=FAULT, precision=0.01, cap=128).counts == (128,)
    assert InjectSettings(fault=FAULT, precision=0.01, cap=90).counts == (90,)


def test_defaults() -> None:
    made = InjectSettings(fault=FAULT, bits=4, per_channel=True)
    assert made.format == Uniform(bits=4, per_channel=True)
    assert InjectSettings(fault=FAULT, weight_range=2.0).format == Uniform(bits=8, limit=2.0)
    assert (made.workers, made.shortcuts, made.scope) == (Workers(), Shortcuts(), "model")
    assert (made.batch_size, made.protection) == (None, None)


def found(settings: InjectSettings, parts: int, *, golden: float = 0.5) -> Injection:
    draw = np.random.default_rng(0)
    rows = tuple(
        row_of(
            f"layer:{part}", [Outcome(right=int(right)) for right in draw.integers(0, 51, 4)], bits=80, images=50,
            golden=golden, level=settings.level, cap=None if settings.precision is None else settings.cap,
        )
        for part in range(parts)
    )  # fmt: skip
    return Injection(
        accuracy_golden=golden, images=50, ties=2, silent=1, bits_total=160, weight_bits=8, settings=settings,
        arithmetic="integers", campaign="abc", sites=Sites(), rows=rows,
    )  # fmt: skip


# What design and report rely on
CONTRACT = {
    "accuracy_golden", "accuracy_mean", "accuracy_low", "accuracy_high", "accuracy_worst", "reliability_mean",
    "reliability_low", "reliability_high", "maps", "images", "ber", "weight_bits", "bits_total", "scope", "verdict",
    "rows",
}  # fmt: skip
OF_A_ROW = {
    "stratum", "accuracy_mean", "accuracy_low", "accuracy_high", "accuracy_worst", "reliability_mean",
    "reliability_low", "reliability_high", "maps",
}  # fmt: skip


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("golden", [0.5, 0.0])
@pytest.mark.parametrize("more", [{}, {"precision": 0.01}, {"fault": DeadNeuron(count=1)}, CLIPPED])
def test_the_figures_as_json(parts: int, golden: float, more: dict[str, Any]) -> None:
    settings = InjectSettings(**{"fault": FAULT, "scope": "layer", "seed": 3, **more})
    made = json.loads(json.dumps(found(settings, parts, golden=golden).to_json(), allow_nan=False))
    assert set(made) >= CONTRACT
    assert all(set(row) >= OF_A_ROW for row in made["rows"])
    assert len(made["rows"]) == parts
    assert made["maps"] == 4 * parts == sum(row["maps"] for row in made["rows"])
    assert (made["accuracy_golden"], made["images"], made["bits_total"], made["weight_bits"]) == (golden, 50, 160, 8)
    assert made["ber"] == (0.01 if settings.fault is FAULT else None)
    assert made["fault"]["kind"] == settings.fault.kind
    assert (made["scope"], made["seed"], made["verdict"], made["level"]) == ("layer", 3, None, 0.95)
    assert made["planned_maps"] == (1000 if settings.precision else 100)
    assert made["interval"] == ("t over maps, planned looks" if settings.precision else "t over maps")
    assert made["quantisation"] == {"bits": 8, "per_channel": False, "limit": None, "kind": "uniform"}
    assert (made["ties"], made["silent"], made["arithmetic"], made["campaign"]) == (2, 1, "integers", "abc")
    assert made["protection"] == (settings.protection.name if settings.protection else None)
    # nothing of who worked it out, and how
    assert not {"workers", "batch_size", "shortcuts"} & set(made)
    mean = sum(row["accuracy_mean"] for row in made["rows"]) / parts
    assert made["accuracy_mean"] == pytest.approx(mean)
    assert made["reliability_mean"] == (pytest.approx(mean / 0.5) if golden else None)
