"""A sampled search whose lists changed: known trials that are points of the new space go on to its study.

An Optuna study holds one list of categories for each parameter for good. A search with other lists has a study of its
own, beside the earlier ones; what was found under those is taken over, and what is no point of the space is left there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spikewright.exploration.request.space import Space, TrainedSpace
from spikewright.exploration.strategies.record import candidate_of
from spikewright.exploration.strategies.study import NAME, RECORD
from spikewright.exploration.strategies.trials import parameters, suggest

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_QUEUED = "fixed_params"  # Optuna's own attribute: what a trial in the queue is to try


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """What each parameter of a space is drawn from, by name."""
    noted = _Noting()
    for first in space.neurons if isinstance(space, TrainedSpace) else space.methods:
        noted.first = first
        _ = suggest(space, noted)
    return noted.found


def fits(study: "optuna.Study", space: Space) -> bool:
    """Whether a study can go on with a space: no trial was drawn from other categories, none waits that is outside."""
    ours = distributions(space)
    return all(_drawn_alike(trial, ours) and _may_wait(trial, ours) for trial in study.get_trials(deepcopy=False))


def take_over(study: "optuna.Study", others: "Iterable[optuna.Study]", space: Space) -> int:
    """Add what other studies know of the points of a space, each point once.

    Returns:
        How many trials were added.
    """
    ours = distributions(space)
    known = {trial.user_attrs.get(NAME) for trial in study.get_trials(deepcopy=False)}
    added = 0
    for other in others:
        for trial in other.get_trials(deepcopy=False):
            name = trial.user_attrs.get(NAME)
            if trial.state.name not in ("COMPLETE", "PRUNED") or RECORD not in trial.user_attrs or name in known:
                continue
            point = candidate_of(trial).point
            again = _trial(parameters(space, point), ours, like=trial)
            if again is not None:
                study.add_trial(again)
                known.add(name)
                added += 1
    return added


def _drawn_alike(trial: "FrozenTrial", ours: "dict[str, BaseDistribution]") -> bool:
    from optuna.distributions import check_distribution_compatibility  # noqa: PLC0415 - it takes a second

    try:
        for name, theirs in trial.distributions.items():
            if name in ours:
                check_distribution_compatibility(theirs, ours[name])
    except ValueError:
        return False
    return True


def _may_wait(trial: "FrozenTrial", ours: "dict[str, BaseDistribution]") -> bool:
    return trial.state.name != "WAITING" or _trial(trial.system_attrs.get(_QUEUED, {}), ours) is not None


def _trial(
    values: dict[str, Any], ours: "dict[str, BaseDistribution]", *, like: "FrozenTrial | None" = None
) -> "FrozenTrial | None":
    """A trial of these values that is over as another was; None where they are not of the space."""
    from optuna.trial import TrialState, create_trial  # noqa: PLC0415

    system = {} if like is None else {name: value for name, value in like.system_attrs.items() if name != _QUEUED}
    try:
        return create_trial(
            state=TrialState.PRUNED if like is None else like.state,
            values=None if like is None else like.values,
            params=values,
            distributions={name: ours[name] for name in values},
            user_attrs={} if like is None else like.user_attrs,
            system_attrs=system,
        )
    except (KeyError, ValueError):
        return None


@dataclass(slots=True)
class _Noting:
    """A trial that takes whatever comes first, and notes what it was offered."""

    first: str = ""  # neuron or method
    found: "dict[str, BaseDistribution]" = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        from optuna.distributions import CategoricalDistribution  # noqa: PLC0415

        self.found[name] = CategoricalDistribution(choices)
        return self.first if name in ("neuron", "method") else choices[0]

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        from optuna.distributions import IntDistribution  # noqa: PLC0415

        self.found[name] = IntDistribution(low, high, log=log)
        return low

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        from optuna.distributions import FloatDistribution  # noqa: PLC0415

        self.found[name] = FloatDistribution(low, high, log=log)
        return low
