"""What a reader is warned of."""

import numpy as np
from scipy.stats import beta

from spikewright.reliability.campaign.cautions import cautions
from spikewright.reliability.campaign.outcomes import Outcome
from spikewright.reliability.campaign.rows import row_of
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.sites import Sites


def found(*, images: int, maps: int, golden: float = 0.8, mean: float = 0.7, silent: int = 0) -> Injection:
    right = np.full(maps, round(mean * images))
    outcomes = [Outcome(right=int(one)) for one in right]
    row = row_of("model", outcomes, bits=8, images=images, golden=golden, level=0.95, cap=None)
    return Injection(
        accuracy_golden=golden, images=images, ties=0, silent=silent, bits_total=8, weight_bits=8,
        settings=InjectSettings(fault=BitFlip(ber=0.1)), arithmetic="", campaign="", sites=Sites(), rows=(row,),
    )  # fmt: skip


def test_nothing_to_say_of_many_images_and_maps() -> None:
    assert cautions(found(images=500, maps=100)) == ()


def test_few_images_say_how_well_the_fault_free_accuracy_is_known() -> None:
    (said,) = cautions(found(images=50, maps=100))
    half = (beta.ppf(0.975, 41, 10) - beta.ppf(0.025, 40, 11)) / 2  # 40 of 50, Clopper–Pearson
    assert said.startswith("fewer than 500 images: with 50, ")
    assert f"± {100 * half:.1f} points" in said


def test_few_maps_silent_images_and_gains() -> None:
    said = cautions(found(images=500, maps=99, golden=0.6, silent=2))
    assert [line.split(":")[0].split(" (")[0] for line in said] == [
        "2 images with no output at all, even without faults",
        "reliability above 1",
        "fewer than 100 maps a part",
    ]
