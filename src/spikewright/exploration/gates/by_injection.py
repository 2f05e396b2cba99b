"""The measure of a search: fault campaigns over the whole network (`reliability.campaign`)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spikewright.ann.source import Source
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.exploration.figures.under_faults import FaultLoad, FaultyAccuracies
from spikewright.exploration.request.settings import FaultSettings
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.inject import InjectSettings, inject
from spikewright.reliability.faults import Fault
from spikewright.reliability.workers.pool import Workers
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class ByInjection:
    """Runs campaigns as the settings say.

    Attributes:
        faults: maps, rates and workers.
        fault_at: the fault at a rate.

    Raises:
        BadSetting: a fault that is set up wrongly at one of the rates, or workers that cannot be.
    """

    faults: FaultSettings
    fault_at: Callable[[float], Fault]

    def __post_init__(self) -> None:
        for ber in self.faults.ber:
            _ = self.fault_at(ber)
        try:
            _ = self.workers
        except BadSetting as error:
            raise BadSetting(f"[faults] {error}") from None

    @property
    def workers(self) -> Workers:
        """Where maps are run."""
        return Workers(count=self.faults.workers, backend=self.faults.backend, address=self.faults.address)

    def __call__(
        self,
        network: Blueprint | Source,
        samples: Prepared,
        load: FaultLoad,
        *,
        record: Path,
        on_progress: Progress = silent,
    ) -> FaultyAccuracies:
        """See `Measure`."""
        settings = InjectSettings(
            fault=self.fault_at(load.ber),
            bits=load.bits,
            per_channel=load.per_channel,
            maps=load.maps,
            seed=load.seed,
            workers=self.workers,
        )
        found = inject(network, samples, settings, record=record, on_progress=on_progress)
        return FaultyAccuracies(found.accuracy_golden, found.rows[0].accuracies)
