"""A fault campaign as its page shows it: read from the JSON that `spikewright inject --json` writes, and checked.

One object a network and bit error rate, or a list of them under `curve`. Read are the figures of the contract
(`accuracy_golden`, `accuracy_mean` …, `reliability_mean` …, `maps`, `images`, `ber`, `weight_bits`, `bits_total`,
`scope`, `verdict`, `rows`) and, where they are there, `name`, `accuracy_q05`, `accuracies` (one share a map),
`critical`, `harmful`, `healed`, `masked`, `due` (images, or a list of them by map), `level`, `seed`, `layer`, `bit`,
`fault`, `injected`, `not_injected`. Objects of one name are one network. Knows nothing about pages or networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikewright.errors import BadData
from spikewright.report.fields import Fields
from spikewright.report.wording import bit_error_rate

WAY_OUT = "write it again with `spikewright inject --json`"
OUTCOMES = ("masked", "critical", "harmful", "healed", "due")
VERDICTS = ("PASS", "FAIL", "UNDECIDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """What one stratum came to; accuracies are shares 0..1, None is what is not known.

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

    @property
    def lost(self) -> float:
        """Share of accuracy that the faults take, 0..1; below 0 where they help."""
        return self.accuracy_golden - self.accuracy_mean

    @property
    def part(self) -> str:
        """What kind of stratum it is: "model", "layer", "bit", "layer/bit", "channel", or the name itself."""
        kinds = [piece.partition(":")[0] for piece in self.name.split("/") if ":" in piece]
        return "/".join(kinds) or self.name

    @property
    def layer_and_bit(self) -> tuple[str, int] | None:
        """Of "layer:fc1/bit:7", ("fc1", 7); of another stratum None. A layer's own name may hold a slash."""
        before, mark, bit = self.name.rpartition("/bit:")
        return (before.removeprefix("layer:"), int(bit)) if mark and bit.isdigit() else None

    @property
    def short(self) -> str:
        """The name without its kind: "fc1", "bit 7", "fc1/3"."""
        kind, mark, rest = self.name.partition(":")
        return f"bit {rest}" if kind == "bit" else rest.replace("/bit:", ", bit ") if mark else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a campaign against another network decided; all but `found` may be unknown.

    Attributes:
        found: "PASS", "FAIL" or "UNDECIDED".
        difference: mean of the paired differences, as a share; `low` and `high` are its interval.
        margin: by how much it may be worse, as a share.
        against: what it was compared with.
    """

    found: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    against: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One network under one kind of fault at one rate.

    Attributes:
        network: its name.
        ber: bit error rate; None where faults were not drawn by one.
        scope: "model", "layer", "bit" or "channel".
        images, weight_bits, bits_total: test images, bits a weight, bits that could be hit.
        level: of all intervals, 0.95 for 95 %.
        whole: the figures of the campaign as a whole; None where the file has them by stratum only.
        rows: one a stratum.
        verdict: None where nothing was decided.
        seed: of the fault maps.
        injected, not_injected: in words, "" where the file does not say.
        fault: the kind, "" where the file does not say.
        layer, bit: the only one that was hit, if one was chosen.
    """

    network: str
    ber: float | None
    scope: str
    images: int
    weight_bits: int | None
    bits_total: int | None
    level: float
    whole: Stratum | None
    rows: tuple[Stratum, ...]
    verdict: Verdict | None
    seed: int | None
    fault: str
    layer: str
    bit: int | None
    injected: str
    not_injected: str

    @property
    def under(self) -> str:
        """Under what, in words: "at BER 1e-3"."""
        return under(self.ber)

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The rows that are not the whole once more."""
        return tuple(row for row in self.rows if row.name != "model")


def under(ber: float | None) -> str:
    """Under what, in words: "at BER 1e-3"."""
    return "under the listed faults" if ber is None else f"at BER {bit_error_rate(ber)}"


def campaigns(found: Sequence[Mapping[str, Any]]) -> list[Campaign]:
    """All campaigns of the objects, in order; of one network by rising bit error rate.

    Args:
        found: what `inject --json` wrote, one object a file; those without figures of a campaign are passed over.

    Raises:
        BadData: a figure is missing or cannot be, or one network has two campaigns of one rate and scope.
    """
    read: list[Campaign] = []
    for index, one in enumerate(found):
        name = Fields(held=one, what=f"fault campaign {index + 1}", way_out=WAY_OUT).text("name")
        own = name or ("the network" if len(found) == 1 else f"network {index + 1}")
        fields = Fields(held=one, what=f"fault campaign {own!r}", way_out=WAY_OUT)
        for point in fields.items("curve") or ([one] if "accuracy_golden" in one or "rows" in one else []):
            about = {key: value for key, value in one.items() if key != "curve"}
            read.append(_campaign({**about, **_object(point, fields)}, own))
    order = list(dict.fromkeys(one.network for one in read))
    read.sort(key=lambda one: (order.index(one.network), -1.0 if one.ber is None else one.ber))
    keys = [(one.network, one.ber, one.scope, one.fault, one.layer, one.bit) for one in read]
    for key in keys:
        if keys.count(key) > 1:
            raise BadData(
                f"two fault campaigns of {key[0]!r} {under(key[1])}, scope {key[2]}: give each a name of its own"
            )
    return read


def _object(point: Any, fields: Fields) -> Mapping[str, Any]:
    return Fields(held=point, what=f"a point of the curve of {fields.what}", way_out=WAY_OUT).held


def _campaign(held: Mapping[str, Any], network: str) -> Campaign:
    ber = held.get("ber")
    what = f"fault campaign {network!r}" + ("" if ber is None else f" at BER {ber}")
    fields = Fields(held=held, what=what, way_out=WAY_OUT)
    images = fields.count("images")
    if not images:
        raise BadData(f"{what} has no images: {WAY_OUT}")
    rows = []
    for row in fields.items("rows"):
        name = Fields(held=row, what=f"a row of {what}", way_out=WAY_OUT).text("stratum", "model")
        inherited = {"accuracy_golden": held.get("accuracy_golden"), "maps": held.get("maps")}
        rows.append(_stratum({**inherited, **row}, name, f"row {name!r} of {what}", images))
    whole = _stratum(held, "model", what, images) if held.get("accuracy_mean") is not None else None
    scope = fields.text("scope", "model")
    own = next((row for row in rows if row.name == "model"), None)
    if scope == "model" and own is not None and (whole is None or not whole.accuracies):
        whole = own
    if whole is None and not rows:
        raise BadData(f"{what} has neither accuracy_mean nor rows: {WAY_OUT}")
    kind = held.get("fault")
    return Campaign(
        network=network,
        ber=fields.maybe_number("ber", most=1.0),
        scope=scope,
        images=images,
        weight_bits=fields.count("weight_bits"),
        bits_total=fields.count("bits_total"),
        level=fields.maybe_number("level", most=1.0) or 0.95,
        whole=whole,
        rows=tuple(rows),
        verdict=_verdict(held.get("verdict"), what),
        seed=fields.count("seed"),
        fault=str(kind.get("kind", "")) if isinstance(kind, Mapping) else fields.text("fault"),
        layer=fields.text("layer"),
        bit=fields.count("bit"),
        injected=fields.text("injected"),
        not_injected=fields.text("not_injected"),
    )


def _stratum(held: Mapping[str, Any], name: str, what: str, images: int) -> Stratum:
    fields = Fields(held=held, what=what, way_out=WAY_OUT)
    accuracies = fields.shares("accuracies")
    maps = fields.count("maps") or len(accuracies)
    if accuracies and len(accuracies) != maps:
        raise BadData(f"{what} has {maps} maps and accuracies of {len(accuracies)}: {WAY_OUT}")
    if not maps:
        raise BadData(f"{what} has no maps: {WAY_OUT}")
    low, high = fields.interval("accuracy_low", "accuracy_mean", "accuracy_high")
    reliability_low, reliability_high = fields.interval("reliability_low", "reliability_mean", "reliability_high")
    outcomes = {}
    for kind in OUTCOMES:
        counted = held.get(kind)
        if counted is not None:
            total = sum(counted) if isinstance(counted, Sequence) and not isinstance(counted, str) else counted
            one = Fields(held={kind: total}, what=what, way_out=WAY_OUT)
            outcomes[kind] = one.number(kind, most=maps * images) / (maps * images)
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
        outcomes=outcomes,
    )


def _verdict(held: Any, what: str) -> Verdict | None:
    """A bare word, or an object with the word under `verdict` and perhaps the difference that it rests on."""
    if held is None:
        return None
    fields = Fields(
        held={"verdict": held} if isinstance(held, str) else held, what=f"the verdict of {what}", way_out=WAY_OUT
    )
    found = fields.text("verdict").upper()
    if found not in VERDICTS:
        raise BadData(f"{what} has verdict {found!r}, not one of {', '.join(VERDICTS)}: {WAY_OUT}")
    low, high = fields.interval("low", "difference", "high")
    return Verdict(
        found=found,
        difference=fields.maybe_number("difference", least=-1.0, most=1.0),
        low=low,
        high=high,
        margin=fields.maybe_number("margin", most=1.0),
        against=fields.text("against"),
    )
