"""The cheap figures against sums written out for a network of three matrix products."""

from typing import Any

import pytest
import torch
from support.trained import classifier, digits

from spikewright.ann import interpreter
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.srp import Srp
from spikewright.engines.network import build
from spikewright.errors import BadData, BadSetting
from spikewright.measure import scoring
from spikewright.measure.scoring import Score, accuracy_of_source, score
from spikewright.snn.blueprint import Blueprint

TABLE = "horowitz_int32"  # picojoules: 3.1 a multiplication, 0.1 an addition
JUDGED = acquire.labelled(digits().validation, digits(), batch_size=30)
X = torch.cat([x for x, _ in JUDGED])
LABELS = torch.cat([labels for _, labels in JUDGED])


def weights(arrays: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return [array for name, array in arrays.items() if name.endswith("weight")]


def made(method: Exact | Qcfs | Srp) -> tuple[Blueprint, Source]:
    source = classifier()
    return convert(source, method, acquire.inputs(digits().train, digits(), limit=100)), source


@pytest.mark.parametrize(
    ("method", "latency", "injected"),
    [
        (Exact(timesteps=3), 6, 0),
        (Qcfs(timesteps=4), 4, 20 * 4),  # the image's current, at each step of each of the first 20 neurons
        (Srp(timesteps=4, warmup=2), 6, 20 * 6),
    ],
)
def test_figures_are_sums_over_a_run_step_by_step(method: Exact | Qcfs | Srp, latency: int, injected: int) -> None:
    blueprint, source = made(method)
    first, second, readout = build(blueprint).walk(X)
    spikes = first.counts.sum(0), second.counts.sum(0)
    following = [(weight != 0).sum(0) for weight in weights(dict(blueprint.arrays))[1:]]
    accumulations = sum(float((count * met).sum()) for count, met in zip(spikes, following, strict=True)) / len(X)
    found = score(blueprint, source, JUDGED, table=TABLE)
    assert found == Score(
        accuracy_snn=int((readout.codes.argmax(1) == LABELS).sum()) / len(X),
        timesteps_mean=method.timesteps,
        latency_steps=latency,
        energy_joules_snn=pytest.approx(((accumulations + injected) * 0.1 + 64 * 20 * 3.2) * 1e-12, rel=1e-9, abs=0),
        spikes_per_neuron=pytest.approx(float(spikes[0].sum() + spikes[1].sum()) / len(X) / 32),
        samples=len(X),
    )
    assert 0.5 < found.accuracy_snn <= 1


def test_it_tells_how_many_samples_it_has_seen() -> None:
    blueprint, source = made(Exact(timesteps=2))
    seen: list[int] = []
    score(blueprint, source, JUDGED, table=TABLE, seen=seen.append)
    assert seen == [min(done, len(X)) for done in range(30, len(X) + 30, 30)]


def test_samples_weigh_the_same_however_they_are_batched() -> None:
    blueprint, source = made(Exact(timesteps=2))
    once = score(blueprint, source, [(X, LABELS)], table=TABLE)
    for size in (1, 7, 100):
        pairs = list(zip(X.split(size), LABELS.split(size), strict=True))
        again = score(blueprint, source, pairs, table=TABLE)
        assert (again.accuracy_snn, again.samples) == (once.accuracy_snn, once.samples)
        assert again.energy_joules_snn == pytest.approx(once.energy_joules_snn, rel=1e-9, abs=0)
        assert accuracy_of_source(source, pairs) == accuracy_of_source(source, [(X, LABELS)])


def test_accuracy_of_a_source_is_that_of_its_layers() -> None:
    source = classifier()
    arrays = dict(source.arrays)
    biases = [array for name, array in arrays.items() if name.endswith("bias")]
    value = X.flatten(1)
    for index, (weight, bias) in enumerate(zip(weights(arrays), biases, strict=True)):
        value = value @ weight.T + bias
        value = value if index == 2 else value.clamp(min=0)
    assert accuracy_of_source(source, JUDGED) == int((value.argmax(1) == LABELS).sum()) / len(X)
    assert accuracy_of_source(source, []) == 0


def test_no_samples_and_unknown_tables_are_refused() -> None:
    blueprint, source = made(Exact(timesteps=2))
    with pytest.raises(BadData, match="no samples were counted"):
        score(blueprint, source, [], table=TABLE)
    with pytest.raises(BadSetting, match="no energy table named 'free'"):
        score(blueprint, source, JUDGED, table="free")


def test_an_exact_network_is_as_accurate_as_its_source_where_both_are_computed_in_float64() -> None:
    source = classifier(7, 7)
    blueprint = convert(source, Exact(timesteps=3), acquire.inputs(digits().train, digits(), limit=100))
    double = [(x.double(), labels) for x, labels in JUDGED]
    exact = score(blueprint, source, double, table=TABLE, dtype=torch.float64).accuracy_snn
    assert exact == accuracy_of_source(source, double, dtype=torch.float64) > 0.5
    arrays = {name: array.double() for name, array in source.arrays.items() if array.is_floating_point()}
    scores = interpreter.run(source, X.double(), arrays={**source.arrays, **arrays})
    assert exact == int((scores.argmax(1) == LABELS).sum()) / len(X)


def test_what_is_computed_in_is_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    blueprint, source = made(Exact(timesteps=2))
    types: list[tuple[torch.dtype, torch.dtype]] = []

    def noted(given: Blueprint, *, dtype: torch.dtype) -> Any:
        network = build(given, dtype=dtype)
        collapse = network.collapse

        def collapsed(x: torch.Tensor) -> Any:
            types.append((x.dtype, dtype))
            return collapse(x)

        monkeypatch.setattr(network, "collapse", collapsed)
        return network

    monkeypatch.setattr(scoring, "build", noted)
    for dtype in (torch.float32, torch.float64):
        score(blueprint, source, JUDGED[:1], table=TABLE, dtype=dtype)
    assert types == [(torch.float32, torch.float32), (torch.float64, torch.float64)]
