"""What a search is asked for: which network, which space, how candidates are made, what they have to show.

Plain numbers, checked when made; `config.py` reads them from a file. Margins are in percentage points.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from spikewright.errors import BadSetting, nearest
from spikewright.exploration.request.space import ConvertedSpace, Space, Span, TrainedSpace
from spikewright.measure.cost.energy import energy_table
from spikewright.training.snn import recipes

Kind = Literal["train", "convert"]
SEARCHED = {"timesteps": "timesteps", "threshold": "thresholds", "neuron": "neurons", "leak": "leaks"}
BITS = ("weight_bits", "edge_bits")  # of training; a search rounds weights afterwards, source and candidates alike
OBJECTIVES = ("accuracy", "reliability", "energy", "memory", "latency")
SAMPLERS = ("tpe", "nsga2", "nsga3", "random")
JOURNAL = "journal"
NO_RECIPE = "none"
MOST_PROCESSES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """The trained network: its run folder, and its data if the run does not say which."""

    run: Path
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainTable:
    """How spiking networks are trained.

    Attributes:
        recipe: a name of `training.recipes.RECIPES`, or `none`.
        epochs: passes over the training split.
        start: `scratch` draws new weights of the same shapes, `network` begins with the trained ones.
        options: others of `training.recipes.DEFAULTS`, over the recipe.

    Raises:
        BadSetting: an unknown recipe, option or start, or an option that the search sets itself.
    """

    recipe: str = "paper1"
    epochs: int = 3
    start: Literal["scratch", "network"] = "scratch"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.options:
            if name in SEARCHED:
                raise BadSetting(f"[train] {name} is searched: give its values under [space] {SEARCHED[name]}")
            if name in BITS:
                raise BadSetting(f"[train] {name}: weights are rounded after training: give [space] bits")
        if self.epochs < 1:
            raise BadSetting(f"[train] epochs is {self.epochs}: it must be 1 or more")
        bits = self.chosen["weight_bits"]
        if bits != recipes.FULL:
            raise BadSetting(
                f"[train] recipe {self.recipe!r} trains {bits}-bit weights, and a search rounds them afterwards: "
                "choose another recipe"
            )

    @property
    def chosen(self) -> dict[str, Any]:
        """All options of a training: these, over the recipe, over the defaults."""
        return recipes.options(self.options, None if self.recipe == NO_RECIPE else self.recipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertTable:
    """How a trained network is converted: the training images that thresholds and calibrators look at.

    Raises:
        BadSetting: none.
    """

    calibration: int = 512

    def __post_init__(self) -> None:
        if self.calibration < 1:
            raise BadSetting(f"[convert] calibration is {self.calibration}: it must be at least 1 image")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSettings:
    """How weights are rounded, candidates and trained network alike.

    Attributes:
        per_channel: one scale an output channel in place of one a tensor.
        repair_thresholds: bring a candidate's firing back to what it was (`post_training.repair_thresholds`).
    """

    per_channel: bool = False
    repair_thresholds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What a candidate has to show against the trained network, rounded to the same bits.

    Attributes:
        accuracy_margin: points that it may lose, 0 or more.
        energy_share: it must take less than this share of the trained network's joules.
        reliability_margin: points of reliability that it may lose, 0 or more.
        reliability_by: `ratio`: accuracy under faults over accuracy without; `accuracy`: that under faults itself.
        way: how reliability is decided: `normal` or `strict`.
        level: 1 − the chance of passing one that should not pass, over all configurations of the search.
        energy_table: a name of `measure.cost.energy.TABLES`.

    Raises:
        BadSetting: a number out of its range, or an unknown name.
    """

    accuracy_margin: float = 0.0
    energy_share: float = 1.0
    reliability_margin: float = 0.0
    reliability_by: Literal["ratio", "accuracy"] = "ratio"
    way: Literal["normal", "strict"] = "normal"
    level: float = 0.95
    energy_table: str = "horowitz_int32"

    def __post_init__(self) -> None:
        for name in ("accuracy_margin", "reliability_margin"):
            value = getattr(self, name)
            if not 0 <= value < 100:
                raise BadSetting(f"[gates] {name} is {value:g}: give percentage points, from 0 to less than 100")
        if not (isfinite(self.energy_share) and self.energy_share > 0):
            raise BadSetting(f"[gates] energy_share is {self.energy_share:g}: it must be above 0, as in 1.0 or 0.5")
        if not 0.5 < self.level < 1:
            raise BadSetting(f"[gates] level is {self.level:g}: it must be between 0.5 and 1, as in 0.95")
        _ = energy_table(self.energy_table)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSettings:
    """What is injected.

    Attributes:
        ber: bit error rates, 0..1, or for other kinds the rate of what they strike; reliability has to be shown at
            every one of them.
        kind: a file of `reliability/faults/`.
        settings: what else it takes.
        maps: fault maps of each (network, rate) to begin with.
        cap: maps to go on to where nothing can be said yet.
        images: of the validation split, the first ones.
        seed: of the fault maps; None: that of the search.
        workers: processes of one campaign.
        backend: of joblib: loky, ray or dask.
        address: of its cluster.

    Raises:
        BadSetting: no rates, a number out of its range.
    """

    ber: tuple[float, ...] = (1e-2,)
    kind: str = "bit_flip"
    settings: Mapping[str, Any] = field(default_factory=dict)
    maps: int = 100
    cap: int = 1000
    images: int = 2000
    seed: int | None = None
    workers: int = 1
    backend: str = "loky"
    address: str | None = None

    def __post_init__(self) -> None:
        if not self.ber:
            raise BadSetting("[faults] ber is empty: give at least one bit error rate, as in [1e-2]")
        for index, rate in enumerate(self.ber):
            if not 0 <= rate <= 1:
                raise BadSetting(f"[faults] ber has {rate:g}: a rate is a probability, give 0 to 1")
            if rate in self.ber[:index]:
                raise BadSetting(f"[faults] ber has {rate:g} twice: leave one of them out")
        for name, least in (("maps", 2), ("images", 1), ("workers", 1), ("cap", self.maps)):
            value = getattr(self, name)
            if value < least:
                words = "at least maps" if name == "cap" else f"{least} or more"
                raise BadSetting(f"[faults] {name} is {value}: it must be {words}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WidenSettings:
    """What to do where none passes.

    Attributes:
        rounds: so many times the lists are made wider; 0: not at all.
        lists: which; None: all that widen.
        most_timesteps: no T above it.

    Raises:
        BadSetting: a number out of its range.
    """

    rounds: int = 0
    lists: tuple[str, ...] | None = None
    most_timesteps: int = 64

    def __post_init__(self) -> None:
        if self.rounds < 0:
            raise BadSetting(f"[widen] rounds is {self.rounds}: it must be 0 or more")
        if self.most_timesteps < 1:
            raise BadSetting(f"[widen] most_timesteps is {self.most_timesteps}: it must be 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """Sampling a space in place of going through a grid.

    Attributes:
        trials: configurations to try.
        sampler: tpe, nsga2, nsga3 or random; a space of no more points than trials is gone through whole.
        objectives: what is better in one candidate than in another; accuracy and reliability are made large, energy,
            memory and latency small.
        storage: `journal` (a file in the out folder), or the URL of a PostgreSQL database.
        study: its name there; None takes that of the out folder.
        workers: processes, each with a candidate of its own.

    Raises:
        BadSetting: an unknown name, one objective or none, SQLite with several workers.
    """

    trials: int = 50
    sampler: Literal["tpe", "nsga2", "nsga3", "random"] = "tpe"
    objectives: tuple[str, ...] = ("accuracy", "reliability", "energy")
    storage: str = JOURNAL
    study: str | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        for name in ("trials", "workers"):
            if getattr(self, name) < 1:
                raise BadSetting(f"[optuna] {name} is {getattr(self, name)}: it must be 1 or more")
        if self.workers > MOST_PROCESSES:
            raise BadSetting(f"[optuna] workers is {self.workers}: it must be {MOST_PROCESSES} or less")
        if len(set(self.objectives)) != len(self.objectives) or not self.objectives:
            raise BadSetting(f"[optuna] objectives: give each once, some of {', '.join(OBJECTIVES)}")
        for name in self.objectives:
            if name not in OBJECTIVES:
                raise BadSetting(f"[optuna] objectives: there is no {name!r}: {nearest(name, OBJECTIVES)}")
        if self.storage.startswith("sqlite") and self.workers > 1:
            raise BadSetting(
                "[optuna] storage: SQLite loses trials when several processes write: give storage = 'journal', a "
                "PostgreSQL URL, or workers = 1"
            )
        if self.storage != JOURNAL and "://" not in self.storage:
            raise BadSetting(f"[optuna] storage is {self.storage!r}: give 'journal' or postgresql://user@host/database")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """A whole search.

    Attributes:
        kind: `train` trains each candidate (paper 1), `convert` converts the network without training.
        network: what it starts from.
        out: folder of the result.
        space: of that kind.
        train: for kind `train`.
        convert: for kind `convert`.
        weights: how they are rounded.
        gates: what has to be shown.
        faults: what is injected.
        widen: what to do where none passes.
        optuna: sample the space; None goes through the grid.
        seed: of trainings, calibration images, fault maps and samplers.
        device: of trainings: auto, cpu, cuda, ….

    Raises:
        BadSetting: a space of the other kind, a span or widening where they cannot be.
    """

    kind: Kind
    network: NetworkSettings
    out: Path
    space: Space
    train: TrainTable = field(default_factory=TrainTable)
    convert: ConvertTable = field(default_factory=ConvertTable)
    weights: WeightSettings = field(default_factory=WeightSettings)
    gates: GateSettings = field(default_factory=GateSettings)
    faults: FaultSettings = field(default_factory=FaultSettings)
    widen: WidenSettings = field(default_factory=WidenSettings)
    optuna: SampleSettings | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        wanted = TrainedSpace if self.kind == "train" else ConvertedSpace
        if not isinstance(self.space, wanted):
            raise BadSetting(f"search: kind is {self.kind!r}, and [space] is of the other kind")
        if self.seed < 0:
            raise BadSetting(f"search: seed is {self.seed}: it must be 0 or more")
        if self.optuna is None:
            _ = self.space.points()  # a span is refused
        elif self.widen.rounds:
            raise BadSetting("[widen] is for a grid: leave it out, or [optuna]")
        for name in self.widen.lists or ():
            if name not in self.space.WIDENS:
                raise BadSetting(f"[widen] lists: {name!r} does not widen: {nearest(name, self.space.WIDENS)}")
            if isinstance(getattr(self.space, name), Span):
                raise BadSetting(f"[widen] lists: {name!r} is a range, which does not widen: give a list")

    @property
    def fault_seed(self) -> int:
        """The seed of the fault maps."""
        return self.seed if self.faults.seed is None else self.faults.seed

    @property
    def widened_lists(self) -> tuple[str, ...]:
        """The lists that widen."""
        return self.space.WIDENS if self.widen.lists is None else self.widen.lists
