"""Whole searches on digits: what they write, what they go on from, and what they refuse before they write."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from filelock import FileLock
from support.refuse_data import refuse_data
from support.reported import Verdicts
from support.trained import classifier, digits, run_folder

from spikewright.ann import interpreter
from spikewright.app.runs import acquire, evaluate
from spikewright.app.runs import search as module
from spikewright.app.runs.evaluate import EvaluateRequest
from spikewright.app.runs.search import SearchRequest, run
from spikewright.data.files import write_json
from spikewright.engines.network import build
from spikewright.errors import BadData, BadFile, BadSetting
from spikewright.exploration.candidates import trained
from spikewright.exploration.figures.fault_free import rounded
from spikewright.exploration.gates import by_injection
from spikewright.exploration.outcome import Outcome
from spikewright.exploration.request.settings import (
    FaultSettings,
    GateSettings,
    NetworkSettings,
    SampleSettings,
    SearchSettings,
    TrainTable,
    WidenSettings,
)
from spikewright.exploration.request.space import ConvertedSpace, TrainedSpace
from spikewright.exploration.strategies.study import opened
from spikewright.exploration.workspace import fresh_seed
from spikewright.interchange import run_folder as folder
from spikewright.measure.samples import first, prepared
from spikewright.reliability.campaign.inject import InjectSettings, inject
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.workers.pool import Workers

FAULTS = FaultSettings(ber=(0.01,), maps=100, cap=128, images=30)
LENIENT = GateSettings(accuracy_margin=99, reliability_margin=99)


def training(tmp_path: Path, **given: Any) -> SearchSettings:
    run = tmp_path / "ann"
    if not run.exists():
        run_folder(run)
    stored = {
        "kind": "train", "network": NetworkSettings(run=run), "out": tmp_path / "out", "faults": FAULTS,
        "gates": LENIENT, "train": TrainTable(epochs=1, options={"batch_size": 300}),
        "space": TrainedSpace(timesteps=(2,), thresholds=(0.5, 900.0), bits=(4, 8)),
    }  # fmt: skip
    return SearchSettings(**{**stored, **given})


def converting(tmp_path: Path, **given: Any) -> SearchSettings:
    space = ConvertedSpace(methods=("exact", "qcfs"), timesteps=(1, 4))
    gates = GateSettings(accuracy_margin=3, reliability_margin=10)
    return training(tmp_path, **{"kind": "convert", "space": space, "gates": gates, **given})


def search(settings: SearchSettings, **more: Any) -> tuple[Outcome, dict[str, Any]]:
    result = run(SearchRequest(settings=settings), **more)
    assert result.to_json() is result.content
    return result.outcome, result.content


def written(settings: SearchSettings) -> dict[str, Any]:
    return json.loads((settings.out / "search.json").read_text())


def refuse_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nothing may be trained or injected."""

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("done again")

    monkeypatch.setattr(trained, "fit_spiking", refused)
    monkeypatch.setattr(by_injection, "inject", refused)


def test_trained_candidates_are_found_written_and_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = training(tmp_path)
    reported = Verdicts()
    outcome, content = search(settings, on_progress=reported)
    assert written(settings) == json.loads(json.dumps(content))
    names = ["t2_th0.5_if_b4", "t2_th0.5_if_b8", "t2_th900_if_b4", "t2_th900_if_b8"]
    assert [one["name"] for one in content["candidates"]] == names
    assert [one["verdict"] for one in content["candidates"]] == ["passes"] * 2 + ["dead: 1, 3"] * 2
    assert content["passing"] == names[:2]
    # two trainings for four points, and a run folder for each
    assert sorted(path.name for path in (settings.out / "trained").glob("t*")) == ["t2_th0.5_if", "t2_th900_if"]
    for one in content["candidates"]:
        blueprint, about = folder.load_blueprint(settings.out / one["folder"])
        assert about["search"]["point"] == one["settings"]
        assert {node.weights.bits for node in blueprint.plan.nodes if node.weights} == {one["settings"]["bits"]}
    found = evaluate.run(EvaluateRequest(run=settings.out / content["candidates"][0]["folder"])).evaluation
    assert found.energy_joules_source == content["candidates"][0]["energy_joules_ann"]
    assert {what for what, _, _ in reported} >= {"candidates", "t2_th0.5_if_b4, bit error rate 0.01"}
    # the same again: nothing is done, and the same is written
    refuse_work(monkeypatch)
    again, same = search(settings)
    assert again == outcome and same == content == written(settings)
    # other gates need no new work; other thresholds only theirs
    strict, _ = search(replace(settings, gates=replace(LENIENT, accuracy_margin=0)))
    assert strict.chosen is None
    with pytest.raises(AssertionError, match="done again"):
        search(replace(settings, space=replace(settings.space, thresholds=(0.5, 0.7))))


def test_accuracies_under_faults_are_a_campaigns_and_the_tests_are_of_other_maps(tmp_path: Path) -> None:
    settings = training(tmp_path, space=TrainedSpace(timesteps=(2,), thresholds=(0.5,)))
    _, content = search(settings)
    one, report = content["candidates"][0], content["test"]
    blueprint, _ = folder.load_blueprint(settings.out / one["folder"])
    plain = replace(digits().preparation, mean=(0.0,), std=(1.0,))
    for split, shown, seed in (
        (digits().validation, one["reliability"], 0),
        (digits().test, report["reliability"], fresh_seed(0, "test")),
    ):
        how = InjectSettings(fault=BitFlip(ber=0.01), bits=8, maps=128, seed=seed, workers=Workers(count=1))
        found = [
            inject(network, first(prepared(split, preparation), 30), how)
            for network, preparation in ((blueprint, plain), (classifier(), digits().preparation))
        ]
        rate = shown["rates"][0]
        ours, theirs = ([a / each.accuracy_golden for a in each.rows[0].accuracies] for each in found)
        assert rate["maps"] == 128
        assert rate["reliability_mean"] == pytest.approx(sum(ours) / 128)
        assert rate["reliability_mean_ann"] == pytest.approx(sum(theirs) / 128)
        assert rate["difference"] == pytest.approx(sum(a - b for a, b in zip(ours, theirs, strict=True)) / 128)
    images = prepared(digits().test, plain)
    right = int((build(blueprint)(images.inputs).argmax(1) == images.labels).sum())
    assert report["accuracy"] == right / len(digits().test)
    scores = interpreter.run(rounded(classifier(), 8), prepared(digits().test, digits().preparation).inputs)
    assert report["accuracy_ann"] == float((scores.argmax(1) == images.labels).double().mean())


def test_nothing_is_chosen_on_the_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other images in it, only the report of the chosen one is another."""
    settings = training(tmp_path, space=TrainedSpace(timesteps=(2,), thresholds=(0.5, 0.9)))
    _, content = search(settings)
    of_run = acquire.of_run

    def other_test(*given: Any, **named: Any) -> Any:
        source, data, about = of_run(*given, **named)
        assert data is not None
        return source, replace(data, test=replace(data.test, images=data.test.images[::-1].copy())), about

    monkeypatch.setattr(acquire, "of_run", other_test)
    _, other = search(replace(settings, out=tmp_path / "other"))
    differ = {name for name in content if content[name] != other[name]}
    assert differ == {"settings", "test"}  # the settings hold the name of the out folder


def test_conversions_need_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = converting(tmp_path)
    monkeypatch.setattr(trained, "fit_spiking", None)
    outcome, content = search(settings)
    assert [one.name for one in outcome.candidates] == ["exact_t1_b8", "exact_t4_b8", "qcfs_t1_b8", "qcfs_t4_b8"]
    assert outcome.chosen is not None and "_t4_" in outcome.chosen.name
    joules = {one["name"]: one["energy_joules"] for one in content["candidates"] if one["passes"]}
    assert joules[content["chosen"]] == min(joules.values())
    found = evaluate.run(EvaluateRequest(run=settings.out / outcome.chosen.folder)).evaluation  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert found.accuracy_snn == content["test"]["accuracy"]
    assert found.energy_joules_snn == pytest.approx(content["test"]["energy_joules"], rel=1e-9, abs=0)


def test_none_that_passes_is_an_outcome_and_widening_may_find_one(tmp_path: Path) -> None:
    space = ConvertedSpace(methods=("qcfs",), timesteps=(1,))
    settings = converting(tmp_path, space=space)
    outcome, content = search(settings)
    assert outcome.chosen is None and content["chosen"] is None and content["test"] is None
    assert content["line"].startswith("none of 1 passes (1 stopped by accuracy): widen the lists")
    wider = replace(settings, widen=WidenSettings(rounds=4, lists=("timesteps",)))
    outcome, content = search(wider)
    assert outcome.chosen is not None
    assert [one["settings"]["timesteps"] for one in content["candidates"]] == [1, 2, 4][: len(content["candidates"])]


def test_a_sampled_search_confirms_its_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = SampleSettings(trials=4, objectives=("accuracy", "energy", "latency"))
    settings = converting(tmp_path, optuna=sampling)
    outcome, content = search(settings)
    assert len(outcome.candidates) == 4
    assert outcome.front is not None and outcome.chosen is not None
    page = (settings.out / "search.html").read_text()
    assert all(one["name"] in page for one in content["candidates"])
    assert "digits, validation split; rates of bit_flip: 0.01." in page
    assert {one["name"] for one in content["front"]} <= {one.name for one in outcome.candidates if one.passes}
    for one in content["front"]:
        before = next(each for each in content["candidates"] if each["name"] == one["name"])
        assert one["reliability"]["rates"][0]["difference"] != before["reliability"]["rates"][0]["difference"]
        assert (settings.out / "faults" / f"{one['name']}@0.01_s{content['seeds']['fault_maps_front']}.json").is_file()
    study = opened(sampling, settings.out, seed=0)
    confirmed = study.user_attrs["front, with fresh fault maps"]
    assert {name: each["reliability"] for name, each in confirmed.items()} == {
        one["name"]: one["reliability_mean"] for one in content["front"]
    }
    refuse_work(monkeypatch)
    again, same = search(settings)
    assert again == outcome and same == content


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_result(tmp_path: Path) -> None:
    whole = training(tmp_path, space=TrainedSpace(timesteps=(2, 3), thresholds=(0.5,)))
    outcome, content = search(whole)
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import torch
torch.set_num_threads(1)
from pathlib import Path
from types import SimpleNamespace
from app.runs.test_search import training
from spikewright.app.runs import search as module
from spikewright.exploration.request.space import TrainedSpace
from spikewright.exploration.workspace import Bench
seen, candidate = [], Bench.candidate
def killed(self, point, *, on_progress=None):
    found = candidate(self, point, on_progress=on_progress)
    os.kill(os.getpid(), signal.SIGKILL)
Bench.candidate = killed
module.run(module.SearchRequest(settings=training(
    Path({str(tmp_path)!r}), out=Path({str(tmp_path / "part")!r}),
    space=TrainedSpace(timesteps=(2, 3), thresholds=(0.5,)))))
"""
    (tmp_path / "run.py").write_text(script)
    code = subprocess.run([sys.executable, tmp_path / "run.py"], check=False).returncode
    assert code == -signal.SIGKILL
    part = replace(whole, out=tmp_path / "part")
    assert [path.name for path in (part.out / "candidates").iterdir()] == ["t2_th0.5_if_b8"]
    before = (part.out / "candidates" / "t2_th0.5_if_b8" / "weights.safetensors").stat().st_mtime_ns
    again, other = search(part)
    assert (part.out / "candidates" / "t2_th0.5_if_b8" / "weights.safetensors").stat().st_mtime_ns == before
    assert again == outcome
    different = ("settings",)  # the out folder's name is in it
    assert {name: other[name] for name in other if name not in different} == {
        name: content[name] for name in content if name not in different
    }


def test_an_interrupted_search_keeps_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = converting(tmp_path)
    made, calls = module.Bench.candidate, [0]

    def interrupted(self: Any, point: Any, *, on_progress: Any = None) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return made(self, point, on_progress=on_progress)

    monkeypatch.setattr(module.Bench, "candidate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(settings)
    assert [one["name"] for one in written(settings)["candidates"]] == ["exact_t1_b8", "exact_t4_b8"]
    outcome, _ = search(settings)
    assert len(outcome.candidates) == 4


# Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": TrainTable(epochs=2)}, r"holds another search \(train differ\): choose another out"),
        ({"seed": 1}, r"\(faults, seed differ\)"),
        ({"faults": replace(FAULTS, images=31)}, r"\(faults differ\)"),
        ({"gates": replace(LENIENT, energy_table="horowitz_fp32")}, r"\(energy_table differ\)"),
    ],
)
def test_another_searchs_folder_is_left_alone(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    settings = training(tmp_path, space=TrainedSpace(timesteps=(2,), thresholds=(900.0,)))
    search(settings)
    before = (settings.out / "search.json").read_bytes()
    with pytest.raises(BadFile, match=words):
        search(replace(settings, **change))
    assert (settings.out / "search.json").read_bytes() == before


def test_more_maps_or_points_are_no_other_search(tmp_path: Path) -> None:
    settings = training(tmp_path, space=TrainedSpace(timesteps=(2,), thresholds=(900.0,)))
    search(settings)
    search(replace(settings, faults=replace(FAULTS, maps=120, cap=300, ber=(0.02,))))
    outcome, _ = search(replace(settings, gates=GateSettings(), space=replace(settings.space, bits=(4, 8))))
    assert len(outcome.candidates) == 2


def test_folders_that_are_not_a_searchs_are_refused(tmp_path: Path) -> None:
    settings = training(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadSetting, match=r"out .*file is a file: give a folder"):
        search(replace(settings, out=tmp_path / "file"))
    with pytest.raises(BadSetting, match="out is the run of the trained network itself"):
        search(replace(settings, out=tmp_path / "ann"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(BadSetting, match="full is not empty and holds no search: choose another folder"):
        search(replace(settings, out=tmp_path / "full"))
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]
    settings.out.mkdir()
    with FileLock(settings.out / "search.lock"), pytest.raises(BadSetting, match="another command is at work in"):
        search(settings)
    (settings.out / "search.json").write_text("{")
    with pytest.raises(
        BadFile,
        match=r"search\.json (cannot be read|is not valid JSON) .*it is damaged; delete the folder .* and begin again",
    ):
        search(settings)


def test_lists_of_a_sampled_search_may_change(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sampled = SampleSettings(trials=4, objectives=("accuracy", "energy"))
    settings = converting(tmp_path, optuna=sampled)
    search(settings)
    space = ConvertedSpace(methods=("exact", "qcfs"), timesteps=(4, 2))
    outcome, _ = search(replace(settings, space=space))
    assert sorted(one.name for one in outcome.candidates) == ["exact_t2_b8", "exact_t4_b8", "qcfs_t2_b8", "qcfs_t4_b8"]
    again, _ = search(settings)
    assert {one.point.settings["timesteps"] for one in again.candidates} == {1, 4}
    assert capfd.readouterr().err == ""


REFUSED = [
    ({"network": NetworkSettings(run=Path("nowhere/ann"))}, BadFile, "no run folder at nowhere/ann"),
    ({"faults": replace(FAULTS, kind="bitflip")}, BadSetting, "there is no 'bitflip': did you mean 'bit_flip'"),
    ({"train": TrainTable(options={"surrogate": "x"})}, BadSetting, "surrogate"),
    (
        {"kind": "convert", "space": ConvertedSpace(methods=("exakt",), timesteps=(2,))},
        BadSetting,
        "no method named 'exakt'",
    ),
    (
        {"kind": "convert", "space": ConvertedSpace(methods=("exact",), timesteps=(20,))},
        BadSetting,
        "exact takes at most 16 timesteps",
    ),
    ({"optuna": SampleSettings(storage="sqlite:////nowhere/at/all/s.db")}, BadSetting, "cannot be reached"),
]


@pytest.mark.parametrize(("change", "error", "words"), REFUSED)
def test_bad_requests_load_and_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    settings = training(tmp_path)
    refuse_data(monkeypatch)
    with pytest.raises(error, match=words):
        search(replace(settings, **change))
    assert not settings.out.exists()


def test_data_that_is_not_named_or_not_there_is_refused(tmp_path: Path) -> None:
    settings = training(tmp_path)
    nameless = run_folder(tmp_path / "nameless", data=None)
    with pytest.raises(BadSetting, match=r"does not say what data it was made with: give \[network\] data"):
        search(replace(settings, network=NetworkSettings(run=nameless)))
    with pytest.raises(BadData, match="no_such_data"):
        search(replace(settings, network=NetworkSettings(run=nameless, data="no_such_data")))
    assert not settings.out.exists()


def test_the_result_says_how_it_came_to_be(tmp_path: Path) -> None:
    settings = converting(tmp_path, optuna=None, seed=5)
    _, content = search(settings)
    assert content["format"] == 1
    assert content["seeds"]["search"] == content["seeds"]["fault_maps"] == 5
    assert len(set(content["seeds"].values())) == 3
    assert content["versions"]["torch"] == torch.__version__
    assert content["settings"]["space"]["methods"] == ["exact", "qcfs"]
    assert content["of"]["data"] == digits().fingerprint
    assert set(content["candidates"][0]) >= {
        "name", "accuracy", "energy_joules", "reliability_mean", "reliability_low", "reliability_high", "passes",
    }  # fmt: skip


def test_figures_of_the_test_split_are_read_again_only_where_gates_and_faults_are_the_same(tmp_path: Path) -> None:
    settings = training(tmp_path, space=TrainedSpace(timesteps=(2,), thresholds=(900.0,)))
    settings.out.mkdir(parents=True, exist_ok=True)

    def book(**changes: Any) -> module._Book:
        return module._Book(SimpleNamespace(settings=replace(settings, **changes)), {"network": "n"})  # pyright: ignore[reportArgumentType]

    assert book().on_test is None, "a new search has none"
    content = written(settings)
    write_json(settings.out / "search.json", {**content, "test": {"name": "chosen"}})
    assert book().on_test == book(widen=WidenSettings(rounds=2)).on_test == {"name": "chosen"}
    assert book(gates=replace(settings.gates, accuracy_margin=98)).on_test is None
    assert book(faults=replace(settings.faults, maps=settings.faults.maps + 1)).on_test is None
