"""Candidates that are converted: methods and timesteps of a trained network, with no training at all.

    (source, method, timesteps) → blueprint → weights of b bits
A mean T becomes timesteps of each layer by what they gain on validation images (`mixed.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion.convert import convert
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import MOST_TIMESTEPS
from spikewright.conversion.observe import Statistics, observe
from spikewright.conversion.thresholds import has_trained_thresholds
from spikewright.data.dataset import ImageData
from spikewright.errors import BadSetting
from spikewright.exploration.candidates.maker import Made, stored
from spikewright.exploration.candidates.mixed import mixed_timesteps
from spikewright.exploration.request.points import Converted, Point
from spikewright.exploration.request.settings import WeightSettings
from spikewright.measure.samples import Prepared, batches, first, prepared
from spikewright.measure.scoring import score

RANKED = 2000  # validation images that timesteps of layers are chosen by

MethodOf = Callable[[str, int | tuple[int, ...]], Method]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConvertedMaker:
    """Converts candidates.

    Attributes:
        source: the trained network.
        data: its images, with its preparation.
        about: what its run says of it.
        method_of: from `cos:rounds=3` and timesteps to a method.
        calibration: prepared training images, which set thresholds where training did not.
        weights: how weights are rounded.
        table: a name of `measure.cost.energy.TABLES`, by which layers of equal gain are told apart.
    """

    source: Source
    data: ImageData
    about: dict[str, Any]
    method_of: MethodOf
    calibration: Sequence[Tensor]
    weights: WeightSettings
    table: str
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def validation(self) -> Prepared:
        """See `Maker.validation`."""
        if "validation" not in self._cache:
            self._cache["validation"] = prepared(self.data.validation, self.data.preparation)
        return self._cache["validation"]

    @property
    def test(self) -> Prepared:
        """See `Maker.test`."""
        return prepared(self.data.test, self.data.preparation)

    def possible(self, points: Sequence[Point]) -> list[Point]:
        """See `Maker.possible`: those that exact has too many timesteps for are left out."""
        found = []
        for point in points:
            assert isinstance(point, Converted)
            exact = point.method.partition(":")[0] == "exact"
            if exact and (point.timesteps or point.mean_timesteps or 0) > MOST_TIMESTEPS:
                continue
            layers = len(self.source.activations)
            _ = self.method_of(point.method, point.timesteps or tuple(1 + (layer == 0) for layer in range(layers)))
            found.append(point)
        if points and not found:
            raise BadSetting(f"[space] exact takes at most {MOST_TIMESTEPS} timesteps: give fewer, or another method")
        return found

    def make(self, point: Point, folder: Path) -> Made:  # noqa: ARG002
        """See `Maker.make`; nothing takes long enough to be kept."""
        assert isinstance(point, Converted)
        steps = point.timesteps if point.timesteps is not None else self._mixed(point)
        method = self.method_of(point.method, steps)
        blueprint = self._converted(method)
        trained = has_trained_thresholds(self.source) and not method.needs_statistics(self.source)
        how = {
            "method": point.method.partition(":")[0],
            "settings": asdict(method),  # pyright: ignore[reportArgumentType]
            "exact": False,
            "thresholds": "trained" if trained else f"from {sum(map(len, self.calibration))} training images",
            "weights": {"bits": point.bits, **asdict(self.weights)},
        }
        copied = {name: self.about[name] for name in ("model", "weights") if name in self.about}
        about = {**copied, **self.data.account, "conversion": how}
        blueprint = stored(blueprint, point.bits, self.weights, self.calibration)
        return Made(blueprint=blueprint, about=about, source=self.source)

    def _converted(self, method: Method) -> Any:
        return convert(self.source, method, self.calibration, statistics=self._statistics)

    @property
    def _statistics(self) -> Statistics:
        if "statistics" not in self._cache:
            self._cache["statistics"] = observe(self.source, self.calibration)
        return self._cache["statistics"]

    def _mixed(self, point: Converted) -> tuple[int, ...]:
        assert point.mean_timesteps is not None
        made = ("mixed", point.method, point.mean_timesteps)  # bits do not matter
        if made not in self._cache:
            few = first(self.validation, RANKED)

            def worth(steps: tuple[int, ...]) -> tuple[float, ...]:
                blueprint = self._converted(self.method_of(point.method, steps))
                found = score(blueprint, self.source, batches(few), table=self.table)
                return found.accuracy_snn, -found.energy_joules_snn

            layers = len(self.source.activations)
            self._cache[made] = mixed_timesteps(layers, point.mean_timesteps, worth)
        return self._cache[made]
