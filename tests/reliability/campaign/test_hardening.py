"""Hardening takes the network as a whole, and a fault of its weights: all else is refused before anything runs."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.converted import converted

from spikewright.engines.network import build
from spikewright.errors import BadSetting
from spikewright.measure.samples import Prepared
from spikewright.measure.statistics.intervals import Interval
from spikewright.reliability.campaign.hardening import ALTERNATIVES, campaigns_of, harden, most_critical
from spikewright.reliability.campaign.inject import inject
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.lost_spikes import LostSpikes

SETTINGS = InjectSettings(fault=BitFlip(ber=0.01), maps=2)


def test_parts_and_other_targets_are_refused() -> None:
    blueprint, _, x = converted("mlp")
    samples = Prepared(x, torch.zeros(len(x), dtype=torch.int64))
    for scope in ("layer", "bit", "cell", "channel"):
        with pytest.raises(BadSetting, match="leave out --scope"):
            harden(blueprint, samples, replace(SETTINGS, scope=scope))  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadSetting, match="about stored weights, and fault 'lost_spikes' does not strike them"):
        harden(blueprint, samples, replace(SETTINGS, fault=LostSpikes(rate=0.1)))
    every = campaigns_of(blueprint, samples, SETTINGS, {"other": (blueprint, samples)})
    assert len(every) == 1 + len(ALTERNATIVES) + 1


def test_each_alternative_is_its_own_campaign_beside_the_bare_one() -> None:
    blueprint, _, x = converted("mlp")
    labels = build(blueprint)(x).argmax(1)
    samples, settings = Prepared(x, labels), replace(SETTINGS, fault=BitFlip(ber=0.05), maps=6)
    other, _, _ = converted("mlp", timesteps=2)
    hints = harden(blueprint, samples, settings, others={"other": (other, samples)})
    bare = inject(blueprint, samples, settings)
    assert hints.bare.rows[0].accuracies.tolist() == bare.rows[0].accuracies.tolist()
    for parts, scope in ((hints.layers, "layer"), (hints.bits, "bit")):
        alone = inject(blueprint, samples, replace(settings, scope=scope))  # pyright: ignore[reportArgumentType]
        assert [row.accuracy_mean for row in parts.rows] == [row.accuracy_mean for row in alone.rows]
    assert [each.name for each in hints.alternatives] == [*(each.name for each in ALTERNATIVES), "other"]
    protected = [(blueprint, replace(settings, protection=each)) for each in ALTERNATIVES]
    for found, (network, how) in zip(hints.alternatives, [*protected, (other, settings)], strict=True):
        alone = inject(network, samples, how)
        differences = alone.rows[0].accuracies - bare.rows[0].accuracies
        assert found.accuracy_golden == alone.accuracy_golden
        assert found.accuracy_mean == alone.rows[0].accuracy_mean
        assert found.difference == pytest.approx(differences.mean())
        spread = 2.5706 * differences.std(ddof=1) / 6**0.5  # Student's t of five degrees, 95 %
        assert found.interval[0] == pytest.approx(max(differences.mean() - spread, -1), abs=1e-4)
        assert found.interval[1] == pytest.approx(min(differences.mean() + spread, 1), abs=1e-4)
        extra = None if how.protection is None else how.protection.extra_bits(alone.sites)
        assert found.extra_bits == extra


def test_parts_that_cost_most_come_first_and_only_those_that_cost_anything() -> None:
    golden, means = 0.9, {"a": 0.5, "b": 0.3, "c": 0.89, "d": 0.2, "e": 0.6}
    rows = [
        SimpleNamespace(
            stratum=name, accuracy_mean=mean, accuracy_golden=golden, accuracy=Interval(0, mean + 0.01, 0.95)
        )
        for name, mean in means.items()
    ]
    campaign: Any = SimpleNamespace(rows=rows)
    assert most_critical(campaign) == ["d", "b", "a"]
    assert most_critical(campaign, count=9) == ["d", "b", "a", "e"], "c may cost nothing: its interval ends at 0.9"
