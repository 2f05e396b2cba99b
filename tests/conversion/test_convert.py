"""A whole conversion: what is observed, in which order what is called, and what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import torch
from support.converted import captured
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion import convert as conversion
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.calibrators.mean_bias import MeanBias
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.max_norm import MaxNorm
from spikewright.conversion.methods.snnc_light import SnncLight
from spikewright.conversion.observe import Statistics, observe
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True)
class Noting:
    """A calibrator that notes its name and what it was given."""

    name: str
    log: list = field(compare=False)

    def __call__(
        self, blueprint: Blueprint, source: Source, batches: Sequence[Tensor], *, on_progress: Progress = silent
    ) -> Blueprint:
        self.log.append((self.name, blueprint, source, batches, on_progress))
        return Blueprint(blueprint.plan, dict(blueprint.arrays))


@dataclass(frozen=True)
class Method:
    """A method that notes what it was given."""

    log: list = field(compare=False)
    needs: bool = True
    exact: bool = False

    @property
    def calibrators(self) -> tuple[Calibrator, ...]:
        return (Noting("own 1", self.log), Noting("own 2", self.log))

    def needs_statistics(self, source: Source) -> bool:
        return self.needs

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        self.log.append(("method", source, statistics))
        return Exact()(source, observe(source, [captured("mlp")[1]]))


def test_first_the_method_then_its_own_calibrators_then_those_given() -> None:
    source, x, _ = captured("mlp")
    log: list = []

    def progress(what: str, done: int, of: int) -> None:
        assert what == "calibration inputs"

    batches = [x[:3], x[3:]]
    result = convert(source, Method(log), batches, calibrators=(Noting("given", log),), on_progress=progress)
    assert [entry[0] for entry in log] == ["method", "own 1", "own 2", "given"]
    blueprints = [entry[1] for entry in log[1:]] + [result]
    assert len({id(one) for one in blueprints}) == 4  # each is given what the one before made
    for entry in log[1:]:
        assert entry[2] is source and entry[3] is batches and entry[4] is progress


def test_statistics_are_observed_where_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    source, x, known = captured("mlp")
    calls: list = []
    monkeypatch.setattr(conversion, "observe", lambda *given, on_progress: calls.append(given) or known)
    for needs, statistics, observed, reported in (
        (True, None, 1, known),
        (False, None, 0, None),
        (True, known, 0, known),
    ):
        calls.clear()
        log: list = []
        convert(source, Method(log, needs=needs), [x], statistics=statistics)
        assert len(calls) == observed
        assert log[0][2] is reported


def test_is_observing_then_converting() -> None:
    source, x, _ = captured("conv_bn_relu")
    made = convert(source, MaxNorm(timesteps=5), [x[:4], x[4:]])
    expected = MaxNorm(timesteps=5)(source, observe(source, [x[:4], x[4:]]))
    assert made.plan == expected.plan
    assert all(torch.equal(array, expected.arrays[name]) for name, array in made.arrays.items())


def test_a_trained_source_needs_no_data() -> None:
    source, x, _ = captured("trained_levels")
    made = convert(source, Exact(timesteps=4))
    assert made.plan == convert(source, Exact(timesteps=4), [x]).plan


def test_refusals() -> None:
    source, _, statistics = captured("mlp")
    with pytest.raises(BadSetting, match="has no trained threshold: give calibration inputs"):
        convert(source, Exact())
    with pytest.raises(BadSetting, match="gets its threshold from data: give calibration inputs"):
        convert(source, MaxNorm())
    for more in ({"method": SnncLight()}, {"method": Exact(), "calibrators": (MeanBias(),)}):
        with pytest.raises(BadSetting, match="calibration looks at data: give calibration inputs"):
            convert(source, statistics=statistics, **more)


def test_progress_is_told() -> None:
    source, x, _ = captured("resnet")
    reported: list = []
    blueprint = convert(source, SnncLight(timesteps=2), [x], on_progress=lambda *news: reported.append(news))
    stages = len(blueprint.plan.stages)
    assert reported[:2] == [("calibration inputs", len(x), 2 * len(x)), ("calibration inputs", 2 * len(x), 2 * len(x))]
    assert reported[2:] == [("stages", done, stages) for done in range(1, stages + 1)]
