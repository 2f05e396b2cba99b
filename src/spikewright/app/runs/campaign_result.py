"""What campaigns on runs found: figures, verdicts against another network and against requirements, and of what.

Knows nothing about how they are run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from spikewright.app.runs.provenance import Provenance, Traced
from spikewright.measure.statistics.decisions import Decision, Verdict
from spikewright.reliability.campaign.cautions import cautions
from spikewright.reliability.campaign.hardening import Hints
from spikewright.reliability.campaign.requirements import Met, together
from spikewright.reliability.campaign.settings import Injection


class Against(NamedTuple):
    """The other network under the same maps.

    Attributes:
        injection: what it came to.
        decision: whether the run's own network is no worse.
        difference: mean of the paired differences, own less other, a share.
        margin: so much worse is still no worse, a share.
        way: how it was decided, by its name.
        traced: which network it is.
    """

    injection: Injection
    decision: Decision
    difference: float
    margin: float
    way: str
    traced: Traced

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data, without the rows."""
        return {
            **{name: value for name, value in self.injection.to_json().items() if name != "rows"},
            **self.traced.to_json(),
            "verdict": self.decision.verdict.value,
            "difference_mean": self.difference,
            "difference_low": self.decision.low,
            "difference_high": self.decision.high,
            "margin": self.margin,
            "way": self.way,
            "reason": self.decision.reason,
        }


class Found(NamedTuple):
    """One campaign, and how the network fared against another, against what is required, or what hardening would buy.

    Attributes:
        data, split: what it was measured on.
        traced: which network, and which images.
        injection: the campaign.
        compared: with another network; None where there is none.
        met: requirements, part by part.
        way: how those were decided, by its name.
        hints: what hardening would buy.
    """

    data: str
    split: str
    traced: Traced
    injection: Injection
    compared: Against | None = None
    met: tuple[Met, ...] = ()
    way: str = "normal"
    hints: Hints | None = None

    @property
    def name(self) -> str:
        """Of the run's folder."""
        return self.traced.name

    @property
    def verdict(self) -> Verdict | None:
        """PASS where all that was asked is shown, FAIL where the contrary of any is; None where nothing was asked."""
        found = [met.decision.verdict for met in self.met]
        return together(found if self.compared is None else [*found, self.compared.decision.verdict])

    @property
    def about(self) -> dict[str, str]:
        """What it was measured on."""
        return {"name": self.name, "data": self.data, "split": self.split}

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The campaigns on layers and on bits that hardening looked at, as plain data."""
        found = [] if self.hints is None else [self.hints.layers, self.hints.bits]
        return [{**self.about, **each.to_json()} for each in found]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        figures = self.injection if self.hints is None else self.hints
        made = {**self.about, **figures.to_json(), **self.traced.to_json()}
        made["verdict"] = None if self.verdict is None else self.verdict.value
        made["warnings"] = list(cautions(self.injection))
        if self.met:
            made["requirements"] = [{**met.to_json(), "way": self.way} for met in self.met]
        if self.compared is not None:
            made["against"] = self.compared.to_json()
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectResult:
    """The campaigns, one for each of the settings, and what made them, where that is to be written down."""

    campaigns: tuple[Found, ...]
    provenance: Provenance | None = None

    @property
    def verdict(self) -> Verdict | None:
        """Of all campaigns together; None where nothing was asked."""
        return together([each.verdict for each in self.campaigns if each.verdict is not None])

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data; of several campaigns, as a curve with what they have in common."""
        made = [each.to_json() for each in self.campaigns]
        about = {} if self.provenance is None else {"provenance": self.provenance.to_json()}
        if len(made) == 1:
            return {**made[0], **about}
        verdict = None if self.verdict is None else self.verdict.value
        return {**_common(made), **about, "verdict": verdict, "curve": made}


def _common(made: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: value
        for name, value in made[0].items()
        if name not in {"rows", "campaign"} and all(each.get(name) == value for each in made)
    }
