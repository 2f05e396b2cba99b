"""The measure of a search: fault campaigns over the whole network (`campaigns`)."""

from dataclasses import dataclass
from pathlib import Path

from spikewright.blueprint import Blueprint
from spikewright.campaigns.inject import InjectSettings, inject
from spikewright.campaigns.pool import Workers
from spikewright.errors import BadSetting
from spikewright.faults import Fault
from spikewright.names import configure, find, names
from spikewright.samples import Prepared
from spikewright.search.measure import Strike, Struck, Tell
from spikewright.search.settings import FaultSettings, nearest
from spikewright.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ByInjection:
    """Runs campaigns as the settings say.

    Raises:
        BadSetting: a fault that there is not, or that is set up wrongly; or workers that
            cannot be.
    """

    faults: FaultSettings

    def __post_init__(self) -> None:
        for ber in self.faults.ber:
            _ = self.fault(ber)
        try:
            _ = self.workers
        except BadSetting as error:
            raise BadSetting(f"[faults] {error}") from None

    @property
    def workers(self) -> Workers:
        """Where maps are run."""
        return Workers(count=self.faults.workers, backend=self.faults.backend, address=self.faults.address)

    def fault(self, ber: float) -> Fault:
        """The kind of fault at a rate: of bits, or for kinds that know none, of neurons, spikes or pixels."""
        known, kind = names("faults"), self.faults.kind
        if kind not in known:
            raise BadSetting(f"[faults] kind: there is no {kind!r}: {nearest(kind, known)}")
        cls = find("faults", kind)
        rate = next(name for name in ("ber", "rate") if name in cls.__dataclass_fields__)
        if rate in self.faults.settings:
            raise BadSetting(f"[faults.settings] {rate} is what [faults] ber says: leave it out")
        try:
            return configure(cls, {**self.faults.settings, rate: ber})
        except BadSetting as error:
            raise BadSetting(f"[faults] {error}") from None

    def __call__(
        self, network: Blueprint | Source, samples: Prepared, strike: Strike, *, record: Path, tell: Tell | None = None
    ) -> Struck:
        """See `Measure`."""
        settings = InjectSettings(
            fault=self.fault(strike.ber),
            bits=strike.bits,
            per_channel=strike.per_channel,
            maps=strike.maps,
            seed=strike.seed,
            workers=self.workers,
        )

        def progress(what: str, done: int, of: int, /, note: str = "") -> None:  # noqa: ARG001
            if tell is not None:
                tell(what, done, of)

        found = inject(network, samples, settings, record=record, progress=progress)
        return Struck(found.accuracy_golden, found.rows[0].accuracies)
