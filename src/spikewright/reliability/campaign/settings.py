"""What a campaign is asked for, and what it found."""

from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from typing import Any

from pydantic import TypeAdapter

from spikewright.errors import BadSetting
from spikewright.measure.statistics.looks import looks
from spikewright.reliability.campaign.protection import Protection
from spikewright.reliability.campaign.rows import Row, overall
from spikewright.reliability.campaign.storage import Stored, in_words
from spikewright.reliability.campaign.strata import SCOPES, Scope
from spikewright.reliability.faults import Fault
from spikewright.reliability.injectable.propagate import Shortcuts
from spikewright.reliability.sites import Sites
from spikewright.reliability.workers.pool import Workers
from spikewright.snn.formats.uniform import Uniform

MOST = 1_000_000  # maps of a part: their numbers are held in lists
MOST_SEED = 2**63


def no_fault(given: object) -> str:
    """Why something that is no fault cannot be injected, and the way out, in one line."""
    if isinstance(given, list | tuple | set):
        return (
            f"fault is a {type(given).__name__} of {len(given)}: a campaign strikes with one, so that what each costs "
            "can be told apart: call it once for each, and give a name, or one of sw.faults"
        )
    said = repr(given)
    return f"fault is {said if len(said) <= 40 else type(given).__name__}: give a name, or one of sw.faults"


def _require_whole(name: str, given: object, *, optional: bool) -> None:
    if not (given is None and optional) and (isinstance(given, bool) or not isinstance(given, Integral)):
        raise BadSetting(f"inject: {name} is a {type(given).__name__}: give a whole number")


def _require_number(name: str, given: object, *, optional: bool) -> None:
    if not (given is None and optional) and (isinstance(given, bool) or not isinstance(given, Real)):
        raise BadSetting(f"inject: {name} is a {type(given).__name__}: give a number")


def shortened(number: int) -> str:
    """A whole number that may have thousands of digits, for a message."""
    return str(number) if abs(number) < 10**20 else "one of more than 20 digits"


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectSettings:
    """A campaign.

    Attributes:
        fault: the kind and its settings.
        bits: of weights that the network does not store as integers yet, 2..16.
        per_channel: one scale for each output channel of such.
        weight_range: the largest |w| that such can store; None: that of each weight itself.
        scope: how finely the network is divided; each part has its own maps.
        layer: only this layer.
        bit: only this bit of each weight, 0 the least.
        maps: fault maps of each part.
        precision: a half width to go on to, a share (0.01 is one point), by planned looks; `maps` counts no more then.
        cap: maps at which that ends.
        level: of intervals.
        seed: of the maps.
        batch_size: images run at once; results do not depend on it. None: as many as a processor's cache takes.
        protection: what is done about faults in weights.
        workers: where maps are run; nor on that.
        shortcuts: how; nor on that.

    Raises:
        BadSetting: a number outside its range, or an unknown scope.
    """

    fault: Fault
    bits: int = 8
    per_channel: bool = False
    weight_range: float | None = None
    scope: Scope = "model"
    layer: str | None = None
    bit: int | None = None
    maps: int = 100
    precision: float | None = None
    cap: int = 1000
    level: float = 0.95
    seed: int = 0
    batch_size: int | None = None
    protection: Protection | None = None
    workers: Workers = field(default_factory=Workers)
    shortcuts: Shortcuts = field(default_factory=Shortcuts)

    def __post_init__(self) -> None:
        if not hasattr(self.fault, "patch"):
            raise BadSetting(f"inject: {no_fault(self.fault)}")
        for name in ("bits", "maps", "cap", "seed", "bit", "batch_size"):
            _require_whole(name, getattr(self, name), optional=name in {"bit", "batch_size"})
        for name in ("level", "precision", "weight_range"):
            _require_number(name, getattr(self, name), optional=name != "level")
        for name, number in {"maps": self.maps, "cap": self.cap, "batch_size": self.batch_size}.items():
            if number is not None and number < 1:
                raise BadSetting(f"inject: {name} must be at least 1, got {shortened(number)}")
            if number is not None and number > MOST:
                raise BadSetting(f"inject: {name} must be at most {MOST:,}, got {shortened(number)}")
        if not -MOST_SEED <= self.seed < MOST_SEED:
            raise BadSetting(f"inject: seed has 64 bits, got {shortened(self.seed)}: give a smaller one")
        if self.scope not in SCOPES:
            raise BadSetting(f"inject: no scope {self.scope!r}: choose one of {', '.join(SCOPES)}")
        if not 0 < self.level < 1:
            raise BadSetting(f"inject: level must be between 0 and 1, got {self.level}")
        if self.precision is not None and not 0 < self.precision < 1:
            raise BadSetting(f"inject: precision must be between 0 and 1 (0.01 is one point), got {self.precision}")
        _ = self.format

    @property
    def format(self) -> Uniform:
        """How weights are stored that are none of integers yet."""
        return Uniform(bits=self.bits, per_channel=self.per_channel, limit=self.weight_range)

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of maps at which a part may be done."""
        return (self.maps,) if self.precision is None else looks(self.cap)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Injection:
    """What a campaign found.

    Attributes:
        accuracy_golden: share of images that are right without faults, with weights stored as they are here.
        images: how many.
        ties: images whose best score two classes share, without faults.
        silent: images whose scores are all 0, without faults.
        bits_total: stored bits of the whole network.
        weight_bits: of each weight; the most, where they differ.
        storage: how each layer's weights are stored.
        settings: of the campaign.
        arithmetic: in which it ran.
        campaign: its identity, as records name it.
        sites: all that could be struck.
        rows: one a part.
    """

    accuracy_golden: float
    images: int
    ties: int
    silent: int
    bits_total: int
    weight_bits: int
    settings: InjectSettings
    arithmetic: str
    campaign: str
    sites: Sites
    rows: tuple[Row, ...]
    storage: tuple[Stored, ...] = ()

    @property
    def bits_by_layer(self) -> int | dict[str, int]:
        """Bits of a stored weight: one number, or one a layer where they differ."""
        bits = {each.layer: each.bits for each in self.storage}
        return bits if len(set(bits.values())) > 1 else self.weight_bits

    @property
    def rounds(self) -> bool:
        """Whether the campaign rounded any weights, for the network does not store all of them as integers itself."""
        return not self.storage or any(each.rounded for each in self.storage)

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data, without what depends on how they were worked out."""
        settings, fault = self.settings, self.settings.fault
        return {
            "accuracy_golden": self.accuracy_golden,
            **overall(self.rows, settings.level, None if settings.precision is None else settings.cap),
            "maps": sum(row.maps for row in self.rows),
            "images": self.images,
            "ber": getattr(fault, "ber", None),
            "fault": TypeAdapter(type(fault)).dump_python(fault, mode="json"),
            "weight_bits": self.bits_by_layer,
            "weights_stored": in_words(self.storage) or None,
            "storage": [each.to_json() for each in self.storage],
            "bits_total": self.bits_total,
            "scope": settings.scope,
            "verdict": None,
            "level": settings.level,
            "interval": "t over maps" if settings.precision is None else "t over maps, planned looks",
            "planned_maps": settings.maps if settings.precision is None else settings.cap,
            "precision": settings.precision,
            "seed": settings.seed,
            "quantisation": asdict(settings.format) if self.rounds else None,
            "protection": None if settings.protection is None else settings.protection.name,
            "ties": self.ties,
            "silent": self.silent,
            "arithmetic": self.arithmetic,
            "campaign": self.campaign,
            "rows": [row.to_json() for row in self.rows],
        }
