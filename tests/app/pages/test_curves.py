"""Curves: which lines there are, and what stands beside them."""

from support.campaign_json import campaign, row

from spikewright.app.pages.campaign import campaigns
from spikewright.app.pages.curves import Line, curves, hover

MAPS = [0.5, 0.6, 0.7, 0.8]  # mean 0.65: 0.520901 to 0.779099


def line(name: str, *, series: int | None = None, golden: float = 0.9, **more: object) -> Line:
    found = campaigns([{"curve": [campaign(MAPS, golden, ber=ber, **more) for ber in (1e-3, 1e-2)]}])
    return Line(name, 2, series, [(one, one.whole) for one in found if one.whole is not None])


def test_parts_of_one_network_share_one_dashed_line() -> None:
    made = curves([line("fc1"), line("fc2"), line("fc3", golden=0.8)], ", by layer", legend=True)
    assert made is not None
    assert made.title == "Accuracy against bit error rate, by layer"
    roles = [(trace.meta["role"], trace.name) for trace in made.figure.data]
    assert [name for role, name in roles if role == "golden"] == ["no faults", "no faults"]
    assert [name for role, name in roles if role == "mean"] == ["fc1", "fc2", "fc3"]
    own = curves([line("a", series=0), line("b", series=1)], "", legend=False)
    assert own is not None
    assert [trace.name for trace in own.figure.data if trace.meta["role"] == "golden"] == [
        "a, no faults",
        "b, no faults",
    ]


def test_an_end_that_is_not_known_is_not_in_the_band() -> None:
    bare = line("a")
    without = campaign(MAPS, rows=[], ber=1e-1)
    del without["accuracy_low"], without["accuracy_high"]
    (more,) = campaigns([without])
    assert more.whole is not None
    made = curves([bare._replace(points=[*bare.points, (more, more.whole)])], "", legend=False)
    assert made is not None
    _, band, mean = made.figure.data
    assert (list(band.x), list(mean.x)) == ([1e-3, 1e-2, 1e-2, 1e-3], [1e-3, 1e-2, 1e-1])
    assert "(–)" in mean.text[2]


def test_rates_of_another_kind_are_called_rates() -> None:
    found = line("a", fault={"kind": "lost_spikes"})
    assert curves([found], "", legend=False) is not None
    points = [
        (one, one.whole)
        for rate in (0.1, 0.2)
        for one in campaigns([campaign(MAPS, ber=None, fault={"kind": "lost_spikes", "rate": rate})])
        if one.whole is not None
    ]
    made = curves([Line("a", 0, 0, points)], "", legend=False)
    assert made is not None
    assert made.title == "Accuracy against rate of faults"


def test_what_is_shown_under_the_pointer() -> None:
    (one,) = campaigns([campaign(None, rows=[row("model", MAPS)])])
    assert one.whole is not None
    assert hover(one, one.whole, "<C2>") == (
        "<b>&lt;C2&gt;</b>, at BER 1e-2<br>mean 65.00% (52.09% to 77.91%)<br>−25.00 points, worst map 50.00%, 4 maps"
    )
