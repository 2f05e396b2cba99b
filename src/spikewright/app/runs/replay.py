"""One fault map of a run once more: `replay`, with the run's network and images found as `inject` finds them.

Knows nothing about the command line; writes nothing.
"""

from dataclasses import dataclass
from typing import Any

from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.app.runs.inject import InjectRequest, blank, loaded, network_of
from spikewright.app.runs.provenance import Provenance, Traced
from spikewright.errors import BadSetting
from spikewright.reliability.campaign.inject import rehearse
from spikewright.reliability.campaign.replay import Replay, replay


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """Which map.

    Attributes:
        campaign: the campaign that it is of, as it was asked for; of one rate.
        number: of the map.
        part: which part was struck; None: there is one only.

    Raises:
        BadSetting: several campaigns, or more than a campaign: a record, hardening, another network, requirements.
    """

    campaign: InjectRequest
    number: int
    part: str | None = None

    def __post_init__(self) -> None:
        campaign = self.campaign
        if len(campaign.settings) != 1:
            raise BadSetting("inject: --replay runs one map: give one --ber")
        if campaign.harden or campaign.required or campaign.against is not None or campaign.record is not None:
            raise BadSetting(
                "inject: --replay runs one map, records nothing and judges nothing: leave out --against, --require, "
                "--max-loss, --harden and --record"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """The map, what it was run on, and what made the figures, where that is to be written down."""

    found: Replay
    data: str
    split: str
    traced: Traced
    provenance: Provenance | None = None

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        about = {} if self.provenance is None else {"provenance": self.provenance.to_json()}
        return {**self.traced.to_json(), "data": self.data, "split": self.split, **self.found.to_json(), **about}


def run(request: ReplayRequest) -> ReplayResult:
    """Run the map again.

    Raises:
        SpikewrightError: as loading runs and data, and `campaign.replay` do.
    """
    settle_arithmetic()
    campaign = request.campaign
    (settings,) = campaign.settings
    network = network_of(campaign.run, campaign.of, campaign.output)
    rehearse(network.network, blank(network.network), settings)
    side, data = loaded(network, campaign)
    found = replay(*side.both, settings, request.number, stratum=request.part)
    return ReplayResult(found=found, data=data, split=campaign.split, traced=side.traced)


def map_named(text: str) -> tuple[str | None, int]:
    """'17' → (None, 17); 'layer:fc1#17' → ('layer:fc1', 17).

    Raises:
        BadSetting: no number of a map.
    """
    part, _, number = text.rpartition("#")
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        raise BadSetting(
            f"inject: --replay is {text[:40]!r}: give a map's number from 0 on, or PART#MAP as layer:fc1#17"
        )
    return part or None, int(number)
