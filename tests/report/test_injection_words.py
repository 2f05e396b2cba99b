"""What is said of campaigns, sentence by sentence."""

from typing import Any

import pytest
from campaign_json import campaign, row

from spikewright.report.campaign import campaigns
from spikewright.report.injection_words import injected, paragraphs

MAPS = [0.5, 0.6, 0.7, 0.8]  # mean 0.65: 0.520901 to 0.779099


def said(*held: dict[str, Any]) -> list[str]:
    return paragraphs(campaigns(held))


def test_one_campaign() -> None:
    assert said(campaign(MAPS)) == [
        "Without faults 90.00% of 200 images are right. At BER 1e-2: 65.00% on average over 4 fault maps (95% interval "
        "52.09% to 77.91%), 50.00% on the worst. Reliability, faulty over fault-free accuracy: 72.22% (57.88% to "
        "86.57%)."
    ]
    unknown = campaign(MAPS, ber=None)
    for key in ("accuracy_low", "accuracy_high", "reliability_mean", "reliability_low", "reliability_high"):
        del unknown[key]
    assert said(unknown) == [
        "Without faults 90.00% of 200 images are right. Under the listed faults: 65.00% on average over 4 fault maps, "
        "50.00% on the worst."
    ]


def test_a_curve_says_both_ends_the_first_loss_and_the_worst_map() -> None:
    points = [campaign([0.9, 0.9], ber=1e-4), campaign([0.88, 0.87], ber=1e-3), campaign(MAPS, ber=1e-1)]
    assert said({"name": "a", "curve": points}) == [
        "Without faults 90.00% of 200 images are right. Under faults, on average over 2 to 4 maps a rate: 90.00% at "
        "BER 1e-4 (95% interval 90.00% to 90.00%), 65.00% at BER 1e-1 (95% interval 52.09% to 77.91%). The mean loses "
        "more than one point first at BER 1e-3. Worst map: 50.00%, at BER 1e-1."
    ]
    (told,) = said({"name": "a", "curve": [*points[:1], campaign([0.89, 0.9], ber=0.01)]})
    assert "loses no more than one point at any of these rates. Worst map: 89.00%, at BER 1e-2." in told


def test_strata_say_the_most_and_the_least() -> None:
    rows = [row("layer:fc1", [0.9, 0.9]), row("layer:fc2", MAPS)]
    assert said(campaign(None, scope="layer", rows=rows)) == [
        "At BER 1e-2, faults in one layer at a time: of 2, fc2 loses 25.00 points (95% interval 12.09 to 37.91), the "
        "most; fc1 loses 0.00 points (95% interval 0.00 to 0.00)."
    ]
    (alone,) = said(campaign(None, scope="layer", rows=[row("layer:fc1/bit:7", MAPS)]))
    assert alone == (
        "At BER 1e-2, faults in one layer and one bit position at a time: fc1, bit 7 loses 25.00 points (95% interval "
        "12.09 to 37.91)."
    )


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ("PASS", "PASS, shown not to be worse than what it was compared with by more than the margin."),
        (
            {"verdict": "FAIL", "difference": -0.2, "low": -0.25, "high": -0.1, "margin": 0.01, "against": "runs/<a>"},
            "FAIL, shown to be worse than runs/<a> by more than 1 point; difference −20.00 points (−25.00 to −10.00).",
        ),
        (
            {"verdict": "UNDECIDED", "margin": 0.11, "against": "b"},
            "UNDECIDED, these maps do not decide whether it is worse than b by more than 11 points: not shown.",
        ),
    ],
)
def test_verdicts(verdict: Any, told: str) -> None:
    assert said(campaign(MAPS, verdict=verdict))[1] == f"Verdict: {told}"
    points = [campaign(MAPS, ber=ber, verdict=verdict) for ber in (1e-3, 1e-2)]
    assert said({"name": "a", "curve": points})[2] == f"Verdict at BER 1e-2: {told}"


def test_what_was_injected_and_what_was_not() -> None:
    found = [
        {"name": "a", "curve": [campaign(MAPS, ber=ber) for ber in (1e-3, 1e-2)]},
        campaign(None, name="a", scope="bit", rows=[row("bit:7", MAPS)]),
        campaign(MAPS, name="b", layer="fc1", bit=7),
    ]
    assert injected(campaigns(found)) == [
        "Injected: 920,064 stored weight bits (8 bits a weight, two's complement), each flipped with the bit error "
        "rate, independently of the others: in the whole network (BER 1e-3, 1e-2); in one bit position at a time "
        "(BER 1e-2); in layer fc1 and bit 7 only (BER 1e-2).",
        "Not injected: anything but stored weight bits, so no biases, thresholds, membranes, spikes, inputs or logic.",
    ]


def test_what_the_file_says_of_its_faults_is_what_the_page_says() -> None:
    own = campaign(MAPS, ber=None, injected="thresholds, one bit each.", not_injected="weights")
    assert injected(campaigns([own])) == [
        "Injected: thresholds, one bit each: in the whole network.",
        "Not injected: weights.",
    ]
    other = campaign(MAPS, fault={"kind": "dead_neuron"}, weight_bits=None, bits_total=None)
    assert injected(campaigns([other])) == [
        "Injected: faults of the kind dead_neuron: in the whole network (BER 1e-2).",
        "Not injected: the file does not say.",
    ]
