"""A fault campaign as its page shows it: read from the JSON that `spikewright inject --json` writes, and checked.

One object a network and rate, or a list of them under `curve`. Needed are `accuracy_golden`, `images` and, at the top
or in `rows`, `accuracy_mean`, `accuracy_worst` and `maps`; all else that the command writes is read where it is there,
and so are `name` (of the network), `injected` and `not_injected` (in words). Objects of one name are one network.
Knows nothing about pages or networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikewright.app.pages.fields import Fields
from spikewright.app.pages.verdicts import Verdict, verdict_of
from spikewright.app.pages.wording import bit_error_rate
from spikewright.errors import BadData

WAY_OUT = "write it again with `spikewright inject --json`"
OUTCOMES = ("masked", "critical", "harmful", "healed", "due")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """What one part of a network came to; accuracies are shares 0..1, None is what is not known.

    Attributes:
        name: "model", "layer:fc1", "bit:7", "layer:fc1/bit:7", "channel:fc1/3".
        maps: how many fault maps.
        accuracy_golden: without faults.
        accuracy_mean: over maps; `accuracy_low` and `accuracy_high` are its interval.
        accuracy_worst: of the worst map.
        accuracy_q05: the 5 % quantile over maps.
        reliability_mean: faulty over fault-free accuracy, with its interval; None where the golden one is 0.
        accuracies: by map; empty where the file does not hold them.
        outcomes: by kind, the share of (map, image) pairs.
        hits: struck places of a map, on average.
    """

    name: str
    maps: int
    accuracy_golden: float
    accuracy_mean: float
    accuracy_low: float | None
    accuracy_high: float | None
    accuracy_worst: float
    accuracy_q05: float | None
    reliability_mean: float | None
    reliability_low: float | None
    reliability_high: float | None
    accuracies: tuple[float, ...]
    outcomes: Mapping[str, float]
    hits: float | None

    @property
    def lost(self) -> float:
        """Share of accuracy that the faults take, 0..1; below 0 where they help."""
        return self.accuracy_golden - self.accuracy_mean

    @property
    def layer_and_bit(self) -> tuple[str, int] | None:
        """Of "layer:fc1/bit:7", ("fc1", 7); of another stratum None. A layer's own name may hold a slash."""
        before, _, bit = self.name.rpartition("/bit:")
        return (before.removeprefix("layer:"), int(bit)) if before.startswith("layer:") and bit.isdigit() else None

    @property
    def bit(self) -> int | None:
        """Of "bit:7" or "layer:fc1/bit:7", 7."""
        _, mark, bit = self.name.rpartition("bit:")
        return int(bit) if mark and bit.isdigit() else None

    @property
    def short(self) -> str:
        """The name without what all of its kind begin with: "fc1", "bit 7", "fc1, bit 7", "fc1/3"."""
        kind, mark, rest = self.name.partition(":")
        return f"bit {rest}" if kind == "bit" else rest.replace("/bit:", ", bit ") if mark else self.name

    @property
    def place(self) -> str:
        """Where the faults were: "whole network", "layer fc1", "bit 7"."""
        kind, mark, _ = self.name.partition(":")
        return "whole network" if not mark else self.short if kind == "bit" else f"{kind} {self.short}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One network under one kind of fault at one rate.

    Attributes:
        network: its name.
        fault: the kind with its settings other than the rate, in words; "" where the file does not say.
        rate: probability of a bit or of whatever else is struck; None where it was not drawn by one.
        count: struck places of each map, where their number was given.
        is_ber: whether the rate is a bit error rate.
        scope: "model", "layer", "bit", "cell" or "channel".
        images: test images; `ties` and `silent` of them tie, or have no output at all, without faults.
        weight_bits, bits_total: bits a weight, stored bits of the network.
        level: of all intervals, 0.95 for 95 %.
        whole: the figures of the campaign as a whole; None where the file has them by part only.
        strata: one a part of the network; none if it was struck as one.
        stored: how weights are stored, in words; "" where the file does not say.
        warnings: what to be careful of, in words.
        verdict: None where nothing was decided.
        injected, not_injected: in words, "" where the file does not say.
        raw: how it was measured, as the file says it: seed, interval, planned_maps, quantisation and the like.
    """

    network: str
    fault: str
    rate: float | None
    count: int | None
    is_ber: bool
    scope: str
    images: int
    ties: int | None
    silent: int | None
    weight_bits: int | None
    bits_total: int | None
    level: float
    whole: Stratum | None
    strata: tuple[Stratum, ...]
    stored: str
    warnings: tuple[str, ...]
    verdict: Verdict | None
    injected: str
    not_injected: str
    raw: Mapping[str, Any]

    @property
    def under(self) -> str:
        """Under what, in words: "at BER 1e-3"."""
        if self.rate is not None:
            return f"at {'BER' if self.is_ber else 'rate'} {bit_error_rate(self.rate)}"
        return "under the listed faults" if self.count is None else f"with {self.count:,} struck a map"

    @property
    def tick(self) -> str:
        """The same in a table or beside an axis: "1e-3"."""
        if self.rate is not None:
            return bit_error_rate(self.rate)
        return "listed" if self.count is None else f"{self.count:,} struck"

    @property
    def place(self) -> str:
        """Where the faults were, in words: "whole network", "layer fc1", "one layer at a time"."""
        if self.scope == "model":
            return "whole network" if self.whole is None else self.whole.place
        return one_at_a_time(self.scope)

    @property
    def where(self) -> str:
        """The same with its preposition: "in the whole network"."""
        return f"in the {self.place}" if self.place == "whole network" else f"in {self.place}"


def one_at_a_time(scope: str) -> str:
    """A scope in words."""
    words = {"bit": "bit position", "cell": "bit position of one layer", "channel": "output channel"}
    return f"one {words.get(scope, scope)} at a time"


def campaigns(found: Sequence[Mapping[str, Any]]) -> list[Campaign]:
    """All campaigns of the objects, in order; of one network by rising rate.

    Args:
        found: what `inject --json` wrote, one object a file; those without figures of a campaign are passed over.

    Raises:
        BadData: a figure is missing or cannot be, or one network has two campaigns of one fault, rate and place.
    """
    read: list[Campaign] = []
    for index, one in enumerate(found):
        name = Fields(raw=one, what=f"fault campaign {index + 1}", way_out=WAY_OUT).text("name")
        own = name or ("the network" if len(found) == 1 else f"network {index + 1}")
        fields = Fields(raw=one, what=f"fault campaign {own!r}", way_out=WAY_OUT)
        for point in fields.items("curve") or ([one] if "accuracy_golden" in one or "rows" in one else []):
            about = {key: value for key, value in one.items() if key != "curve"}
            read.append(_campaign({**about, **_object(point, fields)}, own))
    order = list(dict.fromkeys(one.network for one in read))
    read.sort(key=lambda one: (order.index(one.network), -1.0 if one.rate is None else one.rate))
    seen = set()
    for one in read:
        key = (one.network, one.fault, one.rate, one.count, one.scope, one.place, *(row.name for row in one.strata))
        if key in seen:
            raise BadData(
                f"two fault campaigns of {one.network!r} {one.under}, {one.where}: give each a name of its own"
            )
        seen.add(key)
    return read


def _object(point: Any, fields: Fields) -> Mapping[str, Any]:
    return Fields(raw=point, what=f"a point of the curve of {fields.what}", way_out=WAY_OUT).raw


def _campaign(raw: Mapping[str, Any], network: str) -> Campaign:
    fault, rate, count = _fault(raw, network)
    what = f"fault campaign {network!r}" + ("" if rate is None else f" at rate {rate:g}")
    fields = Fields(raw=raw, what=what, way_out=WAY_OUT)
    images = fields.count("images")
    if not images:
        raise BadData(f"{what} has no images: {WAY_OUT}")
    rows = []
    for row in fields.items("rows"):
        name = Fields(raw=row, what=f"a row of {what}", way_out=WAY_OUT).text("stratum", "model")
        inherited = {"accuracy_golden": raw.get("accuracy_golden"), "maps": raw.get("maps")}
        rows.append(_stratum({**inherited, **row}, name, f"row {name!r} of {what}"))
    scope = fields.text("scope", "model")
    if scope == "model" and rows:  # the whole once more, with all its maps
        whole, rows = rows[0], []
    else:
        whole = _stratum(raw, "model", what) if raw.get("accuracy_mean") is not None else None
    if whole is None and not rows:
        raise BadData(f"{what} has neither accuracy_mean nor rows: {WAY_OUT}")
    return Campaign(
        network=network,
        fault=fault,
        rate=rate,
        count=count,
        is_ber=raw.get("ber") is not None,
        scope=scope,
        images=images,
        ties=fields.count("ties"),
        silent=fields.count("silent"),
        weight_bits=_bits(fields),
        bits_total=fields.count("bits_total"),
        level=fields.maybe_number("level", most=1.0) or 0.95,
        whole=whole,
        strata=tuple(rows),
        stored=fields.text("weights_stored"),
        warnings=tuple(str(one) for one in fields.items("warnings")),
        verdict=verdict_of(raw, what, WAY_OUT), injected=fields.text("injected"),
        not_injected=fields.text("not_injected"), raw=raw,
    )  # fmt: skip


def _fault(raw: Mapping[str, Any], network: str) -> tuple[str, float | None, int | None]:
    """The kind with its settings in words, its rate, and its count."""
    fields = Fields(raw=raw, what=f"fault campaign {network!r}", way_out=WAY_OUT)
    fault = raw.get("fault")
    settings = fault if isinstance(fault, Mapping) else {"kind": fields.text("fault")}
    of_fault = Fields(raw=settings, what=f"the fault of {fields.what}", way_out=WAY_OUT)
    ber = fields.maybe_number("ber", most=1.0)
    rate = of_fault.maybe_number("rate", most=1.0) if ber is None else ber
    named = {"kind", "ber", "count"} | ({"rate"} if ber is None or settings.get("rate") == 1 else set())
    others = {key: value for key, value in settings.items() if key not in named and value is not None}
    shown = ", ".join(f"{key} {'listed' if isinstance(value, Mapping) else value}" for key, value in others.items())
    kind = of_fault.text("kind").replace("_", " ")
    return f"{kind} ({shown})" if shown else kind, rate, of_fault.count("count")


def _stratum(raw: Mapping[str, Any], name: str, what: str) -> Stratum:
    fields = Fields(raw=raw, what=what, way_out=WAY_OUT)
    accuracies = fields.shares("accuracies")
    maps = fields.count("maps") or len(accuracies)
    if accuracies and len(accuracies) != maps:
        raise BadData(f"{what} has {maps} maps and accuracies of {len(accuracies)}: {WAY_OUT}")
    if not maps:
        raise BadData(f"{what} has no maps: {WAY_OUT}")
    low, high = fields.interval("accuracy_low", "accuracy_mean", "accuracy_high")
    reliability_low, reliability_high = fields.interval("reliability_low", "reliability_mean", "reliability_high")
    outcomes = {kind: fields.maybe_number(kind, most=1.0) for kind in OUTCOMES}
    return Stratum(
        name=name,
        maps=maps,
        accuracy_golden=fields.number("accuracy_golden", most=1.0),
        accuracy_mean=fields.number("accuracy_mean", most=1.0),
        accuracy_low=low,
        accuracy_high=high,
        accuracy_worst=fields.number("accuracy_worst", most=1.0),
        accuracy_q05=fields.maybe_number("accuracy_q05", most=1.0),
        reliability_mean=fields.maybe_number("reliability_mean"),
        reliability_low=reliability_low,
        reliability_high=reliability_high,
        accuracies=accuracies,
        outcomes={kind: share for kind, share in outcomes.items() if share is not None},
        hits=fields.maybe_number("hits_mean"),
    )


def _bits(fields: Fields) -> int | None:
    """None where layers differ, and the file has a number for each: its words say it all then."""
    return None if isinstance(fields.raw.get("weight_bits"), Mapping) else fields.count("weight_bits")
