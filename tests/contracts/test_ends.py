"""Networks of several inputs and outputs: everything that takes a network knows them."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from support.many_ends import BATCH, MANY, make
from torch import Tensor

import spikewright as sw
from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.ends import arranged, in_type, named_leaves
from spikewright.ann.source import Source
from spikewright.engines.ends import checked
from spikewright.engines.network import SpikingNetwork
from spikewright.interchange.run_folder import load_blueprint, load_source, save_blueprint, save_source
from spikewright.training.ann.levels import initial_thresholds, with_levels
from spikewright.training.ann.trainable import TrainableSource

METHODS = ("exact", "qac")  # those that equal the quantised source


@cache
def _captured(name: str) -> tuple[Any, Any, Source]:
    model, batch = make(name)
    return model, batch, capture(model, batch)


def _call(function: Any, batch: Any) -> Any:
    if isinstance(batch, dict):
        return function(**batch)
    return function(*batch) if isinstance(batch, tuple) else function(batch)


def _loader(batch: Any) -> Any:
    return batch if isinstance(batch, Tensor) else [(batch, torch.zeros(BATCH))]


@pytest.mark.parametrize("name", MANY)
def test_the_source_computes_what_the_model_does(name: str) -> None:
    model, batch, source = _captured(name)
    got = dict(named_leaves(arranged(interpreter.run(source, source.inputs_of(batch, "test")))))
    want = dict(named_leaves(_call(model, batch)))
    assert set(got) == set(want)
    for key, value in want.items():
        own = torch.sigmoid(got[key]) if (name, key) == ("boxes_and_scores", "scores") else got[key]
        torch.testing.assert_close(own, value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("method", METHODS)
def test_both_engines_equal_the_quantised_source(name: str, method: str) -> None:
    _, batch, source = _captured(name)
    network = sw.convert(source, _loader(batch), method=method, timesteps=4)
    found = sw.verify(network, source, _loader(batch))
    assert found.equal, found.line()
    assert found.proven, found.line()
    assert found.output_error <= found.output_bound
    assert (found.output_bound > 0) == any(not node.op.passes for node in source.nodes)


@pytest.mark.parametrize("name", MANY)
def test_outputs_are_near_the_models_and_arranged_as_they_are(name: str) -> None:
    model, batch, source = _captured(name)
    network = sw.convert(source, _loader(batch), method="exact", timesteps=10)
    got, want = dict(named_leaves(_call(network, batch))), dict(named_leaves(_call(model, batch)))
    assert set(got) == set(want)
    for key, value in want.items():
        own = torch.sigmoid(got[key]) if (name, key) == ("boxes_and_scores", "scores") else got[key]
        assert own.shape == value.shape
        torch.testing.assert_close(own, value, rtol=0.05, atol=0.05)
    walked = {record.output: record.codes for record in _call(network.walk, batch) if record.output is not None}
    collapsed = {record.output: record.codes for record in _call(network.collapse, batch) if record.output is not None}
    for key, value in got.items():
        torch.testing.assert_close(walked[key or "output"], value, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(collapsed[key or "output"], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MANY)
def test_a_run_folder_gives_both_back(name: str, tmp_path: Path) -> None:
    _, batch, source = _captured(name)
    network = sw.convert(source, _loader(batch), method="exact", timesteps=3)
    save_source(tmp_path, source, about={})
    save_blueprint(tmp_path, network.blueprint, about={})
    again, (blueprint, _) = load_source(tmp_path)[0], load_blueprint(tmp_path)
    assert (again.inputs, again.outputs, again.nodes) == (source.inputs, source.outputs, source.nodes)
    assert blueprint.plan == network.plan
    loaded = sw.build(blueprint)
    pairs = zip(named_leaves(_call(loaded, batch)), named_leaves(_call(network, batch)), strict=True)
    for (_, left), (_, right) in pairs:
        assert torch.equal(left, right)
    assert sw.verify(loaded, again, _loader(batch)).proven


def _converted(name: str, **settings: Any) -> tuple[SpikingNetwork, Source, Any]:
    _, batch, source = _captured(name)
    return sw.convert(source, _loader(batch), **{"method": "exact", "timesteps": 4, **settings}), source, batch


@pytest.mark.parametrize("name", ["two_and_two", "boxes_and_scores", "ids_and_image"])
def test_lockstep_over_a_long_window_in_slices(name: str) -> None:
    network, _, batch = _converted(name, method="percentile_norm", timesteps=20)
    own = {record.output: record.codes for record in _call(network.walk, batch) if record.output is not None}
    for key, value in named_leaves(_call(network, batch)):
        torch.testing.assert_close(value, own[key or "output"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("calibrator", ["gradient", "mean_bias"])
def test_calibration_sees_all_outputs(calibrator: str) -> None:
    network, source, batch = _converted("two_and_two", method="qcfs", timesteps=2)
    image, depth = batch
    many = (image.repeat(2, 1, 1, 1), depth.repeat(2, 1, 1, 1))
    better = sw.calibrate(network, source, [(many, None)], calibrator=calibrator)

    def error(one: SpikingNetwork) -> float:
        wanted = interpreter.run(source, source.inputs_of(many, "test")).tensors.values()
        return float(sum((a - b).square().sum() for a, b in zip(one(*many), wanted, strict=True)))

    assert error(better) <= error(network)


@pytest.mark.parametrize("name", ["boxes_and_scores", "model_output", "dense_map"])
def test_the_int8_engine_gives_every_output(name: str) -> None:
    network, _, batch = _converted(name)
    runner = sw.engine(network, "int8")
    got, want = dict(named_leaves(runner(batch))), dict(named_leaves(network(batch)))
    assert set(got) == set(want)
    for key, value in want.items():
        torch.testing.assert_close(got[key].float(), value, rtol=0.1, atol=0.1)
    records = {record.output: record.codes for record in runner.collapse(batch) if record.output is not None}
    assert all(torch.equal(records[key or "output"], value) for key, value in got.items())


@pytest.mark.parametrize(("name", "words"), [("two_towers", "takes 2 inputs"), ("ids_alone", "takes ids")])
def test_the_int8_engine_refuses_other_inputs(name: str, words: str) -> None:
    network, _, _ = _converted(name)
    with pytest.raises(sw.SpikewrightError, match=words):
        sw.engine(network, "int8")


def test_evaluating_goes_by_the_row_of_scores() -> None:
    network, source, batch = _converted("boxes_and_scores")
    labels = network(batch)["scores"].argmax(1)
    found = sw.evaluate(network, source, (batch, labels))
    assert found.accuracy_snn == 1.0
    assert found.mismatched_codes == 0
    assert found.samples == BATCH
    with pytest.raises(sw.SpikewrightError, match=r"has shape \(4, 6, 6\).*one row of class scores"):
        sw.evaluate(network, source, (batch, labels), output="boxes")
    with pytest.raises(sw.SpikewrightError, match="no output 'masks': choose one of boxes, scores"):
        sw.evaluate(network, source, (batch, labels), output="masks")


def test_evaluating_two_inputs_and_counting_what_an_id_costs() -> None:
    network, source, batch = _converted("ids_and_image")
    labels = torch.as_tensor(_call(network, batch)).argmax(1)
    found = sw.evaluate(network, source, (batch, labels))
    assert found.accuracy_snn == 1.0
    assert found.input_spikes_per_sample == 4  # an id is one spike
    looked_up = int((batch["ids"] != 0).sum())  # the row of 0 is zeros and costs nothing
    conv = 4 * 4 * 4 * 27  # channels, places, weights of a place
    assert found.macs_per_sample == conv + 8 * 4 * 6  # and the mixing of graded rows
    assert found.synops_per_sample - found.synops_hidden_per_sample == pytest.approx(looked_up * 6 / BATCH)


def test_faults_strike_what_one_output_needs() -> None:
    network, source, batch = _converted("boxes_and_scores")
    labels = network(batch)["scores"].argmax(1)
    for struck in (network, source):
        found = sw.inject(struck, (batch, labels), ber=0.0, maps=2, output="scores")
        assert found.rows[0].accuracies.tolist() == [1.0, 1.0]
    with pytest.raises(sw.SpikewrightError, match="no output 'masks'"):
        sw.inject(network, (batch, labels), ber=0.0, maps=2, output="masks")


@pytest.mark.parametrize("name", ["two_towers", "ids_alone"])
def test_campaigns_refuse_other_inputs(name: str) -> None:
    network, _, batch = _converted(name)
    labels = torch.zeros(BATCH, dtype=torch.int64)
    with pytest.raises(sw.SpikewrightError, match=r"2 inputs|takes ids"):
        sw.inject(network, (batch, labels), ber=0.0, maps=2)


@pytest.mark.parametrize("name", ["two_and_two", "ids_and_image", "boxes_and_scores"])
def test_training_with_levels_by_a_loss_of_ones_own(name: str) -> None:
    _, batch, source = _captured(name)
    thresholds = initial_thresholds(source, [batch])
    network = TrainableSource(with_levels(source, 3, thresholds)).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        loss = torch.stack([(tensor - 1).square().mean() for _, tensor in named_leaves(network(batch))]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        network.clamp_thresholds()
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    trained = network.to_source()
    found = sw.verify(sw.convert(trained, method="exact", timesteps=2), trained, _loader(batch))
    assert found.proven
    assert found.reference == "the source as trained"


def test_comparing_methods_on_two_inputs() -> None:
    _, batch, source = _captured("two_towers")
    rows = sw.compare(source, (batch, torch.zeros(BATCH, dtype=torch.int64)), timesteps=(2,))
    assert [row.score.samples for row in rows] == [BATCH, BATCH]


def test_a_module_of_two_inputs_is_captured_on_the_way() -> None:
    model, batch = make("two_towers")
    network = sw.convert(model, [(batch, torch.zeros(BATCH))], timesteps=4)
    assert [each.name for each in network.plan.inputs] == ["left", "right"]
    assert sw.verify(network, model, [{"left": batch[0], "right": batch[1]}]).proven


def test_inputs_by_position_by_keyword_or_as_one() -> None:
    network, _, (left, right) = _converted("two_towers")
    want = network(left, right)
    for got in (network(left, right=right), network((left, right)), network({"right": right, "left": left})):
        assert torch.equal(got, want)
    assert not torch.equal(network(right, left), want)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda left, right: (left,), r"takes 2 inputs \(left, right\)"),
        (lambda left, right: (left, right, right), "takes 2 inputs"),
        (lambda left, right: (left, right[:2]), "different batches"),
        (lambda left, right: (left, right[:, :2]), r"input 'right' of shape \(3, 6, 6\), got \(2, 6, 6\)"),
        (lambda left, right: (left, "right"), "tensor .* for 'right', got str"),
    ],
)
def test_other_inputs_are_refused_in_a_line(given: Any, words: str) -> None:
    network, source, (left, right) = _converted("two_towers")
    with pytest.raises(sw.SpikewrightError, match=words) as caught:
        network(*given(left, right))
    assert "\n" not in str(caught.value)
    with pytest.raises(sw.SpikewrightError):
        sw.verify(network, source, [(given(left, right), None)])


@pytest.mark.parametrize("wrong", [-1, 9])
def test_an_id_outside_the_table_is_refused(wrong: int) -> None:
    network, source, ids = _converted("ids_alone")
    bad = ids.clone()
    bad[1, 2] = wrong
    for call in (lambda: network(bad), lambda: sw.verify(network, source, bad), lambda: interpreter.run(source, bad)):
        with pytest.raises(sw.SpikewrightError, match=f"id {wrong} is outside its table of 9 rows, 0 to 8"):
            call()
    with pytest.raises(sw.SpikewrightError, match="takes ids"):
        network(ids.float())


def test_an_id_is_looked_up_exactly() -> None:
    model, ids = make("ids_alone")
    source = capture(model, ids)
    table = model[0].weight.detach()
    rows = interpreter.values_of(source, ids, {"0"})["0"]
    assert torch.equal(rows, torch.stack([torch.stack([table[one] for one in row]) for row in ids]))


def test_one_output_of_a_container_stays_a_tensor() -> None:
    model, batch = make("boxes_and_scores")
    model.give = lambda m, h, x: {"only": m.scores(h.flatten(1))}
    network = sw.convert(capture(model, batch), batch, timesteps=3)
    assert isinstance(network(batch), Tensor)
    assert network.plan.readout.shape == (5,)


def test_what_needs_one_output_or_input_says_so() -> None:
    network, source, _ = _converted("two_and_two")
    for ask in (lambda: source.output, lambda: source.output_shape, lambda: network.plan.readout):
        with pytest.raises(sw.SpikewrightError, match="has 2 outputs") as caught:
            ask()
        assert "\n" not in str(caught.value)
    for ask in (lambda: source.input_shape, lambda: network.plan.sample_shape):
        with pytest.raises(sw.SpikewrightError, match=r"has 2 inputs \('image', 'depth'\)"):
            ask()
    with pytest.raises(sw.SpikewrightError, match="has 2 inputs"):
        sw.train(source, "digits", epochs=1)


def test_the_outputs_at_a_certificate_are_all_of_them() -> None:
    """Of three outputs the second is made wrong: the certificate says so."""
    network, source, batch = _converted("activation_and_input")
    node = network.plan.outputs["1"].name
    arrays = dict(network.blueprint.arrays)
    arrays[f"{node}.bias"] = torch.full((), 1e-3, dtype=torch.float64) + arrays.get(f"{node}.bias", torch.zeros(()))
    wrong = sw.Blueprint(network.plan, arrays)
    found = sw.verify(wrong, source, batch)
    assert not found.equal
    assert found.mismatched_codes == 0
    assert "in the outputs" in found.line()


def test_own_types_and_devices() -> None:
    network, _, batch = _converted("ids_and_image")
    given = checked(network.plan, torch.float64, (), batch)
    assert [tensor.dtype for tensor in given.tensors.values()] == [torch.int64, torch.float64]  # pyright: ignore
    assert in_type(given, torch.float32).tensors["image"].dtype == torch.float32  # pyright: ignore
