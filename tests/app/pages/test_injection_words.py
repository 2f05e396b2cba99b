"""What is said of campaigns, sentence by sentence."""

from typing import Any

from support.campaign_json import campaign, row

from spikewright.app.pages.campaign import campaigns
from spikewright.app.pages.injection_words import injected, paragraphs

MAPS = [0.5, 0.6, 0.7, 0.8]  # mean 0.65: 0.520901 to 0.779099


def said(*raw: dict[str, Any]) -> list[str]:
    return paragraphs(campaigns(raw))


def test_one_campaign() -> None:
    assert said(campaign(MAPS)) == [
        "Without faults 90.00% of 200 images are right. At BER 1e-2: 65.00% on average over 4 fault maps (95% interval "
        "52.09% to 77.91%), 50.00% on the worst. Reliability, faulty over fault-free accuracy: 72.22% (57.88% to "
        "86.57%)."
    ]
    unknown = campaign(MAPS, ber=None, rows=[])
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
    (reported,) = said({"name": "a", "curve": [*points[:1], campaign([0.89, 0.9], ber=0.01)]})
    assert "loses no more than one point at any of these rates. Worst map: 89.00%, at BER 1e-2." in reported


def test_strata_say_the_most_and_the_least() -> None:
    rows = [row("layer:fc1", [0.9, 0.9]), row("layer:fc2", MAPS)]
    assert said(campaign(None, scope="layer", rows=rows)) == [
        "At BER 1e-2, faults in one layer at a time: of 2, layer fc2 loses 25.00 points (95% interval 12.09 to 37.91), "
        "the most; layer fc1 loses 0.00 points (95% interval 0.00 to 0.00)."
    ]
    (alone,) = said(campaign(None, scope="cell", rows=[row("layer:fc1/bit:7", MAPS)]))
    assert alone == (
        "At BER 1e-2, faults in one bit position of one layer at a time: layer fc1, bit 7 loses 25.00 points (95% "
        "interval 12.09 to 37.91)."
    )


def test_a_part_another_fault_and_silent_images_are_named() -> None:
    raw = campaign(None, silent=3, fault={"kind": "stuck_at", "at": 1}, rows=[row("layer:fc1", MAPS)])
    (reported,) = said(raw)
    assert reported.startswith(
        "Without faults 90.00% of 200 images are right (3 have no output at all). At BER 1e-2, faults"
    )
    assert "faults of the kind stuck at (at 1) in layer fc1: 65.00% on average" in reported
    curve = [campaign(None, ber=ber, rows=[row("bit:7", MAPS)]) for ber in (1e-3, 1e-2)]
    (reported,) = said({"name": "a", "curve": curve})
    assert "Under faults in bit 7, on average over 4 maps a rate" in reported


def test_verdicts() -> None:
    assert said(campaign(MAPS, verdict="PASS"))[1] == (
        "Verdict: PASS, shown to be no worse than the other network, within the margin."
    )
    against = {"accuracy_mean": 0.85, "difference_mean": -0.2, "reason": "difference all below -1"}
    fails = (
        "FAIL, shown to be worse than the other network, by more than the margin. The other one has 85.00% under the "
    )
    fails += "same faults, a difference of −20.00 points. Difference all below -1."
    assert said(campaign(MAPS, verdict="FAIL", against=against))[1] == f"Verdict: {fails}"
    points = [campaign(MAPS, ber=ber, verdict="FAIL", against=against) for ber in (1e-3, 1e-2)]
    assert said({"name": "a", "curve": points})[2] == f"Verdict at BER 1e-2: {fails}"
    open_ = campaign(MAPS, verdict="UNDECIDED", against={"accuracy_mean": 0.65})
    assert said(open_)[1] == (
        "Verdict: UNDECIDED, not shown either way, so it does not pass. The other one has 65.00% under the same faults."
    )


def test_what_was_injected_and_what_was_not() -> None:
    found = [
        {"name": "a", "curve": [campaign(MAPS, ber=ber) for ber in (1e-3, 1e-2)]},
        campaign(None, name="a", scope="bit", rows=[row("bit:7", MAPS)]),
        campaign(None, name="b", rows=[row("layer:fc1/bit:7", MAPS)]),
    ]
    assert injected(campaigns(found)) == [
        "Injected: 920,064 stored weight bits (8 bits a weight, two's complement), each flipped with the bit error "
        "rate, independently of the others: in the whole network (BER 1e-3, 1e-2); in one bit position at a time "
        "(BER 1e-2); in layer fc1, bit 7 (BER 1e-2).",
        "Not injected: anything but stored weight bits, so no biases, thresholds, membranes, spikes, inputs or logic.",
    ]


def test_numbers_of_flips_and_weights_of_one_bit() -> None:
    few = campaign(MAPS, ber=None, weight_bits=1, bits_total=99, fault={"kind": "bit_flip", "count": 5})
    assert injected(campaigns([few]))[0] == (
        "Injected: 99 stored weight bits (1 bit a weight), 5 of them flipped in each map: in the whole network."
    )


def test_what_the_file_says_of_its_faults_is_what_the_page_says() -> None:
    own = campaign(MAPS, ber=None, injected="thresholds, one bit each.", not_injected="weights")
    said_of_own = ["Injected: thresholds, one bit each: in the whole network.", "Not injected: weights."]
    assert injected(campaigns([own])) == said_of_own
    other = campaign(MAPS, ber=None, fault={"kind": "lost_spikes", "rate": 0.1})
    assert injected(campaigns([other])) == [
        "Injected: faults of the kind lost spikes: in the whole network (rate 1e-1).",
        "Not injected: any other kind of fault.",
    ]
