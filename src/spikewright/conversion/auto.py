"""The cheapest network within an accuracy drop: which method, and how many timesteps for each layer.

    1. uniform: for each method, T upwards until the drop holds
    2. mixed: from the cheapest that allows it, layer by layer (the dearest first), as few steps as still hold
    3. confirm: the cheapest found, on all samples; if it does not hold there, the next one; if none does, 1 and 2
       once more on all samples
Accuracies are those of the samples given, which should be validation samples; cost is joules a sample. Knows
nothing about where samples come from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.conversion.convert import convert
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.observe import Statistics, observe
from spikewright.data.progress import Progress, silent
from spikewright.engines.network import build
from spikewright.errors import BadData, BadSetting, NoneFound
from spikewright.measure.cost.energy import energy_table
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.cost.synops import Counts
from spikewright.measure.equality.quantised_source import activations_of
from spikewright.measure.scoring import Score, accuracy_of_source, score
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A method with its settings, and what it scored."""

    method: str
    settings: Mapping[str, Any]
    score: Score
    meets: bool

    def to_json(self) -> dict[str, Any]:
        """The candidate as plain data."""
        return {"method": self.method, "settings": dict(self.settings), **asdict(self.score), "holds": self.meets}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen, and how."""

    blueprint: Blueprint
    chosen: Candidate
    confirmed: Score  # on all samples
    accuracy_source: float  # on all samples
    tried: tuple[Candidate, ...]

    @property
    def exact(self) -> bool:
        """Whether the chosen method is equal to its quantised source."""
        return METHODS[self.chosen.method](**self.chosen.settings).exact

    def line(self) -> str:
        """How it was chosen, in one line for a person."""
        steps = self.chosen.settings["timesteps"]
        shown = str(steps) if isinstance(steps, int) else ",".join(str(step) for step in steps)
        return (
            f"chose {self.chosen.method}, timesteps {shown}: least energy ({self.confirmed.energy_joules_snn:.3g} J a "
            f"sample) of the {sum(one.meets for one in self.tried)} that held the drop among {len(self.tried)} tried; "
            f"{self.confirmed.accuracy_snn:.2%} on {self.confirmed.samples:,} validation samples, "
            f"source {self.accuracy_source:.2%}"
        )

    def to_json(self) -> dict[str, Any]:
        """The choice as plain data."""
        return {
            "chosen": self.chosen.to_json(),
            "confirmed": asdict(self.confirmed),
            "accuracy_source": self.accuracy_source,
            "tried": [one.to_json() for one in self.tried],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """What to look for.

    Attributes:
        max_accuracy_drop: percentage points below the source that are allowed, 0 or more.
        most_timesteps: T of the dearest uniform network tried, for each method.
        samples: so many samples rank the candidates at first; all of them confirm the choice.
        energy_table: a name of `measure.cost.energy.TABLES`.
    """

    max_accuracy_drop: float = 1.0
    most_timesteps: Mapping[str, int] = field(default_factory=lambda: {"exact": 8, "qcfs": 32, "qac": 32})
    samples: int = 2000
    energy_table: str = "horowitz_int32"

    def __post_init__(self) -> None:
        if not self.max_accuracy_drop >= 0:
            raise BadSetting(f"max-accuracy-drop must be at least 0 points, got {self.max_accuracy_drop}")
        if self.samples < 1:
            raise BadSetting(f"auto: samples must be at least 1, got {self.samples}")
        if not self.most_timesteps:
            raise BadSetting(f"auto: most_timesteps names no method: choose among {', '.join(METHODS)}")
        for name, most in self.most_timesteps.items():
            if name not in METHODS:
                raise BadSetting(f"auto: cannot search method {name!r}: choose among {', '.join(METHODS)}")
            if most < 1:
                raise BadSetting(f"auto: most_timesteps of {name} must be at least 1, got {most}")
        _ = energy_table(self.energy_table)

    def choose(
        self,
        source: Source,
        calibration: Sequence[Tensor],
        labelled: Sequence[tuple[Tensor, Tensor]],
        *,
        on_progress: Progress = silent,
    ) -> Choice:
        """Find the cheapest network that holds the drop.

        Args:
            source: the captured network.
            calibration: prepared inputs that set thresholds where training did not.
            labelled: prepared inputs and labels to hold the drop on.
            on_progress: called as candidates are tried.

        Raises:
            BadData: no samples to judge by.
            NoneFound: nothing that was tried holds the drop.
        """
        if not _count(labelled):
            raise BadData("auto: no validation samples to judge by: give a data set that is not empty")
        statistics, accuracy = observe(source, calibration), accuracy_of_source(source, labelled)
        few, tried = _first(labelled, self.samples), list[Candidate]()
        # what the first samples rank best may hold on none but those: then all of them rank
        for ranking in (few, labelled) if _count(few) < _count(labelled) else (labelled,):
            search = _Search(self, source, statistics, calibration, ranking, on_progress)
            search.uniform()
            search.mixed()
            choice = search.confirmed(labelled, accuracy)
            if choice is not None:
                return choice
            tried = search.tried
        best = max(tried, key=lambda one: one.score.accuracy_snn)
        raise NoneFound(
            f"auto: nothing that was tried holds a drop of {self.max_accuracy_drop:g} points from {accuracy:.2%} on "
            f"validation; the best was {best.method} with {best.score.accuracy_snn:.2%}: allow a larger drop, or train "
            "the source with --levels"
        )


METHODS: Mapping[str, Callable[..., Method]] = {"exact": Exact, "qac": Qac, "qcfs": Qcfs}
MIXED = ("exact", "qac")  # those that take timesteps by activation


class _Search:
    """Candidates tried so far, and how to try another."""

    def __init__(
        self,
        auto: Auto,
        source: Source,
        statistics: Statistics,
        calibration: Sequence[Tensor],
        labelled: Sequence[tuple[Tensor, Tensor]],
        on_progress: Progress,
    ) -> None:
        self.auto, self.source, self.statistics, self.calibration = auto, source, statistics, calibration
        self.labelled, self.on_progress = labelled, on_progress
        self.floor = accuracy_of_source(source, labelled) - auto.max_accuracy_drop / 100
        self.tried: list[Candidate] = []
        self.expected = sum(len(_ladder(most)) for most in auto.most_timesteps.values())

    def build(self, method: str, settings: Mapping[str, Any]) -> Blueprint:
        made = METHODS[method](**settings)
        return convert(self.source, made, self.calibration, statistics=self.statistics)

    def attempt(self, method: str, settings: Mapping[str, Any]) -> Candidate:
        for known in self.tried:
            if known.method == method and known.settings == settings:
                return known
        found = score(self.build(method, settings), self.source, self.labelled, table=self.auto.energy_table)
        self.tried.append(
            Candidate(method=method, settings=settings, score=found, meets=found.accuracy_snn >= self.floor)
        )
        self.expected = max(self.expected, len(self.tried))
        self.on_progress("candidates", len(self.tried), self.expected)
        return self.tried[-1]

    def ranked(self) -> list[Candidate]:
        """Those that hold, the cheapest first."""
        return sorted((one for one in self.tried if one.meets), key=lambda one: one.score.energy_joules_snn)

    def confirmed(self, samples: Sequence[tuple[Tensor, Tensor]], accuracy: float) -> Choice | None:
        """The cheapest that holds the drop on these samples too, where the source has this accuracy; None: none."""
        for candidate in self.ranked():
            blueprint = self.build(candidate.method, candidate.settings)
            found = score(blueprint, self.source, samples, table=self.auto.energy_table)
            if found.accuracy_snn >= accuracy - self.auto.max_accuracy_drop / 100:
                return Choice(
                    blueprint=blueprint,
                    chosen=candidate,
                    confirmed=found,
                    accuracy_source=accuracy,
                    tried=tuple(self.tried),
                )
        return None

    def uniform(self) -> None:
        learned = [node.op.levels for node in self.source.activations if isinstance(node.op, Activating)]
        if learned and None not in learned and len(set(learned)) > 1:
            self.attempt("qac", {"timesteps": tuple(learned)})
        for method, most in self._possible().items():
            for steps in _ladder(most):
                if self.attempt(method, {"timesteps": steps}).meets:
                    break

    def _possible(self) -> Mapping[str, int]:
        """The methods that can have this source, and their most timesteps; the last refusal where none can."""
        found, refused = dict[str, int](), None
        for method, most in self.auto.most_timesteps.items():
            try:
                METHODS[method](timesteps=1).require(self.source)
            except BadSetting as error:
                refused = error
            else:
                found[method] = most
        if refused is not None and not found:
            raise refused
        return found

    def mixed(self) -> None:
        """Lower one layer after another, from the cheapest network of each method that takes mixed timesteps."""
        starts = [next((one for one in self.ranked() if one.method == method), None) for method in MIXED]
        layers = len(self.source.activations)
        self.expected = len(self.tried) + layers * sum(start is not None for start in starts)
        for start in starts:
            if start is None:
                continue
            steps = start.settings["timesteps"]
            best, vector = start, list((steps,) * layers if isinstance(steps, int) else steps)
            for layer in self._most_expensive_first(vector, start.method):
                while vector[layer] > 1:
                    lower = [*vector[:layer], vector[layer] - 1, *vector[layer + 1 :]]
                    found = self.attempt(start.method, {"timesteps": tuple(lower)})
                    if not found.meets or found.score.energy_joules_snn >= best.score.energy_joules_snn:
                        break
                    best, vector = found, lower

    def _most_expensive_first(self, vector: Sequence[int], method: str) -> list[int]:
        """Layers by what their spikes cost, the dearest first."""
        blueprint = self.build(method, {"timesteps": tuple(vector)})
        network, counts = build(blueprint), Counts.empty(blueprint.plan)
        with torch.no_grad():
            counts = counts.add_all(network.collapse(self.labelled[0][0]))
        flow = fan_out(blueprint)
        place = {node.name: index for index, node in enumerate(self.source.activations)}
        behind = activations_of(blueprint, self.source)
        costs = [0.0] * len(vector)
        for node in blueprint.plan.stages:
            cost = float((counts.stages[node.name].spikes * flow.accumulations[node.name]).sum())
            costs[place[behind[node.name][0]]] += cost
        return sorted(range(len(vector)), key=lambda layer: -costs[layer])


def _ladder(most: int) -> list[int]:
    """Timesteps to try, upwards: each up to 8, then by halves of a doubling, and the most."""
    return [steps for steps in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64) if steps < most] + [most]


def _count(labelled: Sequence[tuple[Tensor, Tensor]]) -> int:
    return sum(len(x) for x, _ in labelled)


def _first(labelled: Sequence[tuple[Tensor, Tensor]], samples: int) -> list[tuple[Tensor, Tensor]]:
    """The first so many samples."""
    found, left = [], samples
    for x, labels in labelled:
        if left <= 0:
            break
        found.append((x[:left], labels[:left]))
        left -= len(x)
    return found
