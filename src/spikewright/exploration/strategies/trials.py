"""Between an Optuna trial and a point of the space: suggesting one, and the parameters that stand for one.

Lists are categories, spans are ranges of whole numbers or of reals; a leak is asked for where the neuron has one, and
timesteps by the method's own name where it cannot run all of them. Reals are rounded to four digits. Knows nothing
about networks.
"""

from typing import Any, Protocol

from spikewright.conversion.methods.exact import MOST_TIMESTEPS
from spikewright.errors import BadSetting
from spikewright.exploration.request.points import Converted, Point, Trained
from spikewright.exploration.request.space import ConvertedSpace, Reals, Space, Span, TrainedSpace, Values

_MEAN = "mean "  # of timesteps, which tells a mean from a number for all layers


class Trial(Protocol):
    """What is needed of `optuna.Trial`."""

    def suggest_categorical(self, name: str, choices: Any, /) -> Any: ...  # noqa: D102
    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...  # noqa: D102
    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...  # noqa: D102


def suggest(space: Space, trial: Trial) -> Point:
    """The point that a trial is to try."""
    if isinstance(space, TrainedSpace):
        neuron = trial.suggest_categorical("neuron", space.neurons)
        return Trained(
            timesteps=_whole(trial, "timesteps", space.timesteps),
            threshold=_real(trial, "threshold", space.thresholds),
            neuron=neuron,
            leak=_real(trial, "leak", space.leaks) if neuron == "lif" else None,
            bits=trial.suggest_categorical("bits", space.bits),
        )
    method: str = trial.suggest_categorical("method", space.methods)
    name, values = _steps_of(space, method)
    bits = trial.suggest_categorical("bits", space.bits)
    if isinstance(values, Span):
        return Converted(method=method, timesteps=_whole(trial, name, values), bits=bits)
    steps = trial.suggest_categorical(name, values)
    if isinstance(steps, str):
        return Converted(method=method, mean_timesteps=float(steps.removeprefix(_MEAN)), bits=bits)
    return Converted(method=method, timesteps=steps, bits=bits)


def parameters(space: Space, point: Point) -> dict[str, Any]:
    """The parameters of the trial that would try a point: `suggest` undone."""
    if isinstance(point, Trained):
        leak = {} if point.leak is None else {"leak": point.leak}
        own = {"neuron": point.neuron, "timesteps": point.timesteps, "threshold": point.threshold, "bits": point.bits}
        return {**own, **leak}
    assert isinstance(space, ConvertedSpace)
    name, _ = _steps_of(space, point.method)
    steps = point.timesteps if point.timesteps is not None else f"{_MEAN}{point.mean_timesteps!r}"
    return {"method": point.method, "bits": point.bits, name: steps}


def require_possible(space: Space) -> None:
    """Refuse a space with a method that can run none of its timesteps.

    Raises:
        BadSetting: there is one.
    """
    if not isinstance(space, ConvertedSpace):
        return
    for method in space.methods:
        _, values = _steps_of(space, method)
        if not values:
            raise BadSetting(f"[space] {method} takes at most {MOST_TIMESTEPS} timesteps: give fewer, or leave it out")


def _steps_of(space: ConvertedSpace, method: str) -> tuple[str, tuple[int | str, ...] | Span]:
    """The parameter that holds a method's timesteps, and what it may be; exact runs no more than it can."""
    exact = method.partition(":")[0] == "exact"
    timesteps = space.timesteps
    if isinstance(timesteps, Span):
        if exact and timesteps.low >= MOST_TIMESTEPS:
            return "timesteps of exact", ()
        if exact and timesteps.high > MOST_TIMESTEPS:
            return "timesteps of exact", Span(low=timesteps.low, high=MOST_TIMESTEPS, log=timesteps.log)
        return "timesteps", timesteps
    values = (*timesteps, *(f"{_MEAN}{mean!r}" for mean in space.mean_timesteps))
    most = MOST_TIMESTEPS if exact else float("inf")
    means = (f"{_MEAN}{mean!r}" for mean in space.mean_timesteps if mean <= most)
    possible = (*(steps for steps in timesteps if steps <= most), *means)
    return ("timesteps" if possible == values else "timesteps of exact"), possible


def _whole(trial: Trial, name: str, values: Values) -> int:
    if isinstance(values, Span):
        return trial.suggest_int(name, int(values.low), int(values.high), log=values.log)
    return trial.suggest_categorical(name, values)


def _real(trial: Trial, name: str, values: Reals) -> float:
    if isinstance(values, Span):
        # four digits are more than anybody can tell apart, and make names short
        return float(f"{trial.suggest_float(name, values.low, values.high, log=values.log):.4g}")
    return trial.suggest_categorical(name, values)
