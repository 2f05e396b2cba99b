"""Converting a run folder: what is written, what the request refuses, and a calibration that was interrupted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.refuse_data import refuse_data
from support.trained import classifier, digits, run_folder

from spikewright.ann import interpreter
from spikewright.app.registry import names
from spikewright.app.runs import acquire
from spikewright.app.runs import convert as module
from spikewright.app.runs.convert import STATE, ConvertRequest, chosen, run
from spikewright.conversion.auto import Auto
from spikewright.conversion.convert import convert as run_conversion
from spikewright.conversion.methods.qac import Qac
from spikewright.errors import BadFile, BadModel, BadSetting, NoneFound
from spikewright.interchange.claim import claimed
from spikewright.interchange.run_folder import load_blueprint, load_source
from spikewright.models import build

CALIBRATION = 80


def convert(request: ConvertRequest, **more: Any) -> tuple[Any, Any, dict[str, Any]]:
    result = run(request, **more)
    assert result.to_json() is result.about
    return result.network, result.source, result.about


def request(tmp_path: Path, *levels: int, **more: Any) -> ConvertRequest:
    folder = tmp_path / "run"
    if not folder.is_dir():
        run_folder(folder, *levels)
    settings = {"out": tmp_path / "out", "run": folder, "calibration": CALIBRATION, **more}
    return ConvertRequest(**settings)


def same_network(left: Path, right: Path) -> bool:
    (one, _), (other, _) = load_blueprint(left), load_blueprint(right)
    assert set(one.arrays) == set(other.arrays)
    return one.plan == other.plan and all(torch.equal(array, other.arrays[name]) for name, array in one.arrays.items())


@pytest.mark.parametrize("method", [name for name in names("methods") if name != "slip_relu"])
def test_a_run_is_converted_by_each_method(method: str, tmp_path: Path) -> None:
    settings = {} if method == "qac" else {"timesteps": 3}
    wanted = request(tmp_path, 5, 5, method=method, settings=settings)
    network, source, about = convert(wanted)
    made = chosen(method, settings)
    batches = acquire.inputs(digits().train, digits(), limit=CALIBRATION, seed=0)
    expected = run_conversion(source, made, batches)
    blueprint, reported = load_blueprint(wanted.out)
    assert blueprint.plan == expected.plan == network.plan
    assert all(torch.equal(array, blueprint.arrays[name]) for name, array in expected.arrays.items())
    assert reported == json.loads(json.dumps(about))
    how = reported["conversion"]
    assert (how["method"], how["exact"]) == (method, made.exact)
    trained = not made.needs_statistics(source)
    assert how["thresholds"] == ("trained" if trained else f"from {CALIBRATION} training images")
    assert load_source(wanted.out)[0].nodes == classifier(5, 5).nodes
    assert not (wanted.out / STATE).exists()


def test_mixed_timesteps_and_alignments_are_kept(tmp_path: Path) -> None:
    settings = {"timesteps": (4, 2), "alignment": "replicate,truncate"}
    wanted = request(tmp_path, method="qac", settings=settings)
    _, _, about = convert(wanted)
    assert about["conversion"]["settings"] == {"timesteps": (4, 2), "scale": 1, "alignment": "replicate,truncate"}
    assert not about["conversion"]["exact"]
    blueprint, reported = load_blueprint(wanted.out)
    assert [node.firing.code.timesteps for node in blueprint.plan.stages] == [4, 2]
    kinds = {edge.alignment.kind for node in blueprint.plan.nodes for edge in node.edges if edge.alignment}
    assert kinds == {"replicate", "truncate"}
    assert reported["conversion"]["settings"]["timesteps"] == [4, 2]


def test_a_model_with_its_weights_is_converted_without_a_run(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    model = build("top0", channels=1, size=(8, 8), classes=10, seed=3)
    torch.save(model.state_dict(), weights)
    wanted = ConvertRequest(out=tmp_path / "out", model="top0", weights=weights, data="digits", calibration=50)
    network, source, about = convert(wanted)
    x = acquire.inputs(digits().test, digits(), limit=20)[0]
    assert torch.allclose(interpreter.run(source, x), model.eval()(x), atol=1e-5)
    assert about["model"] == "top0" and about["weights"] == str(weights)
    assert (about["data"], about["data_fingerprint"], about["classes"]) == ("digits", digits().fingerprint, 10)
    assert about["conversion"]["thresholds"] == "from 50 training images"
    assert load_blueprint(wanted.out)[0].plan == network.plan


# Calibration ---------------------------------------------------------------------------------------------------


def test_an_interrupted_calibration_goes_on_and_leaves_nothing_behind(tmp_path: Path) -> None:
    common = {"method": "percentile_norm", "settings": {"timesteps": 4}, "calibrate": True, "calibration_epochs": 3}
    whole = request(tmp_path, **common)
    reported: list[int] = []
    _, _, about = convert(whole, on_progress=lambda what, done, _: reported.extend([done] * (what == "calibration")))
    assert reported == [1, 2, 3]
    assert about["conversion"]["thresholds"] == "from 80 training images, calibrated on 80 training images"
    assert not about["conversion"]["exact"]
    assert not (whole.out / STATE).exists()

    def interrupt(what: str, done: int, of: int) -> None:
        if what == "calibration" and done == 2:
            raise KeyboardInterrupt

    parts = replace(whole, out=tmp_path / "parts")
    with pytest.raises(KeyboardInterrupt):
        convert(parts, on_progress=interrupt)
    assert [path.name for path in parts.out.iterdir()] == [STATE]
    with pytest.raises(BadFile, match="of another calibration"):
        convert(replace(parts, calibration_epochs=4))
    reported.clear()
    convert(parts, on_progress=lambda what, done, _: reported.extend([done] * (what == "calibration")))
    assert reported == [3]
    assert same_network(parts.out, whole.out)
    assert not (parts.out / STATE).exists()


def test_an_exact_method_is_not_exact_any_more_once_it_is_calibrated(tmp_path: Path) -> None:
    wanted = request(tmp_path, method="qac", settings={"timesteps": (3, 2)}, calibrate=True, calibration_epochs=1)
    assert not convert(wanted)[2]["conversion"]["exact"]


# Auto ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def _few_timesteps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Auto", lambda **more: Auto(most_timesteps={"exact": 3, "qac": 3}, **more))


@pytest.mark.usefixtures("_few_timesteps")
def test_auto_writes_what_it_chose_and_how(tmp_path: Path) -> None:
    wanted = request(tmp_path, method="auto", max_accuracy_drop=5.0)
    network, _, about = convert(wanted)
    how = about["conversion"]
    assert how["method"] in ("exact", "qac")
    assert how["line"].startswith(f"chose {how['method']}, timesteps ")
    assert how["auto"]["confirmed"]["accuracy_snn"] >= how["auto"]["accuracy_source"] - 0.05
    assert load_blueprint(wanted.out)[0].plan == network.plan
    again = request(tmp_path, out=tmp_path / "again", method=how["method"], settings=how["settings"])
    convert(again)
    assert same_network(wanted.out, again.out)


@pytest.mark.usefixtures("_few_timesteps")
def test_auto_writes_nothing_if_nothing_holds(tmp_path: Path) -> None:
    wanted = request(tmp_path, method="auto", max_accuracy_drop=0.0)
    few = replace(digits(), validation=digits().train)  # the network is sure of what it was trained on
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module.acquire, "of_run", lambda *_, **__: (classifier(), few, {}))
        patched.setattr(module, "Auto", lambda **more: Auto(most_timesteps={"exact": 1}, **more))
        with pytest.raises(NoneFound, match="allow a larger drop"):
            convert(wanted)
    assert not wanted.out.exists()


# Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"run": None}, "give either a run folder or --model"),
        ({"model": "top0"}, "give either a run folder or --model"),
        ({"run": None, "model": "top0"}, "--model needs --data"),
        ({"run": None, "model": "top0", "data": "digits"}, "'top0' has no trained weights: give --weights"),
        ({"weights": Path("w.pt")}, "--weights needs --model"),
        ({"calibration": 0}, "--calibration is 0, but must be at least 1"),
        ({"method": "qcfs", "max_accuracy_drop": 1.0}, "--max-accuracy-drop is for --method auto"),
        ({"method": "auto", "max_accuracy_drop": -1.0}, "max-accuracy-drop must be at least 0 points, got -1.0"),
        ({"method": "auto", "settings": {"timesteps": 4}}, "--method auto finds timesteps and settings itself"),
        ({"method": "auto", "calibrate": True}, "--method auto finds timesteps and settings itself"),
        ({"calibration_epochs": 3}, "--calibration-epochs is for --calibrate"),
        ({"calibrate": True, "calibration_epochs": 0}, "epochs must be at least 1, got 0"),
    ],
)
def test_requests_that_cannot_be_met_are_refused_at_once(more: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=words):
        request(tmp_path, **more)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("nope", {}, "no method named 'nope': choose among cos, exact"),
        ("auto", {}, "no method named 'auto'"),
        ("qcfs", {"timesteps": (4, 3)}, "'qcfs' runs every layer for the same time and cannot use timesteps 4,3"),
        ("srp", {"timesteps": (4, 3, 2)}, "cannot use timesteps 4,3,2: give one number, or choose qac or exact"),
        ("qac", {"alignment": "nearest"}, "no alignment named 'nearest': choose among average, replicate, truncate"),
        ("qac", {"alignment": "truncate"}, "truncate cannot expand a train: choose average or replicate"),
        ("qac", {"alignment": "average,average,average"}, "give one name, or two as expansion,reduction"),
        ("exact", {"alignment": "average"}, "Exact has no setting 'alignment': known are timesteps"),
    ],
)
def test_methods_and_settings_that_are_not_there_are_refused(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        chosen(name, settings)


def test_one_number_given_as_a_list_is_one_number() -> None:
    assert chosen("qac", {"timesteps": (4,)}) == Qac(timesteps=(4,))


def test_what_looks_at_data_needs_some(tmp_path: Path) -> None:
    dataless = run_folder(tmp_path / "dataless", 5, 5, data=None)
    wanted = request(tmp_path, run=dataless, settings={"timesteps": 3})
    convert(wanted)  # thresholds are trained, and nothing else is asked for
    for more, words in (
        ({"calibrate": True}, "this looks at data: give --data"),
        ({"method": "snnc_light"}, "this looks at data: give --data"),
        ({"method": "max_norm"}, "this looks at data: give --data"),
        ({"method": "auto", "settings": {}}, "auto judges on validation images: give --data"),
    ):
        with pytest.raises(BadSetting, match=words):
            convert(replace(wanted, out=tmp_path / "other", **more))
    assert not (tmp_path / "other").exists()
    convert(replace(wanted, out=tmp_path / "other", method="max_norm", data="digits"))


def test_a_wrong_number_of_timesteps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"timesteps gives 3 numbers, the source has 2 activations"):
        convert(request(tmp_path, method="qac", settings={"timesteps": (4, 3, 2)}))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    with pytest.raises(BadSetting, match="--out is the run itself"):
        convert(replace(wanted, out=tmp_path / "run"))
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="file is a file: give a folder"):
        convert(replace(wanted, out=tmp_path / "file"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(BadSetting, match="full is not empty and holds no converted network"):
        convert(replace(wanted, out=tmp_path / "full"))
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]
    convert(wanted)


def test_another_network_in_its_place_is_asked_for_and_takes_what_was_found_on_it_away(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    convert(wanted)
    for name in ("compare", "campaigns"):
        (wanted.out / name).mkdir()
        (wanted.out / name / "figures").touch()
    (wanted.out / "notes.txt").touch()
    before = {path.name: path.read_bytes() for path in wanted.out.iterdir() if path.is_file()}
    convert(wanted)  # the same again needs no leave, and is the same
    assert {path.name: path.read_bytes() for path in wanted.out.iterdir() if path.is_file()} == before
    other = replace(wanted, settings={"timesteps": 2})
    for changed, words in (
        (other, "settings differ"),
        (replace(wanted, method="max_norm"), "method, settings differ"),
        (replace(wanted, run=run_folder(tmp_path / "levels", 5, 5)), r"source differ.*add --overwrite"),
    ):
        with pytest.raises(BadSetting, match=words):
            convert(changed)
    assert {path.name: path.read_bytes() for path in wanted.out.iterdir() if path.is_file()} == before
    convert(replace(other, overwrite=True))
    assert load_blueprint(wanted.out)[1]["conversion"]["settings"]["timesteps"] == 2
    assert sorted(path.name for path in wanted.out.iterdir()) == sorted(before)


def test_a_second_command_in_the_folder_is_refused(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    with claimed(wanted.out), pytest.raises(BadSetting, match="another command is at work in"):
        convert(wanted)
    convert(wanted)


def test_a_run_that_does_not_say_what_it_was_made_by_or_is_damaged_is_replaced_when_that_is_asked_for(
    tmp_path: Path,
) -> None:
    wanted = request(tmp_path)
    convert(wanted)
    plan = wanted.out / "plan.json"
    content = json.loads(plan.read_text())
    del content["about"]["made_by"]
    plan.write_text(json.dumps(content))
    with pytest.raises(BadSetting, match="does not say what it was made by: add --overwrite"):
        convert(wanted)
    plan.write_text(plan.read_text()[:100])
    with pytest.raises(BadSetting, match=r"holds a run that is damaged .* add --overwrite"):
        convert(wanted)
    convert(replace(wanted, overwrite=True))
    assert "made_by" in load_blueprint(wanted.out)[1]


def test_nothing_is_loaded_where_run_model_weights_or_method_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_data(monkeypatch)
    weights = tmp_path / "weights.pt"
    weights.touch()
    model = {"run": None, "model": "top0", "data": "digits", "weights": weights}
    for more, error, words in (
        ({"run": tmp_path / "nowhere"}, BadFile, "no run folder"),
        ({"method": "nope"}, BadSetting, "no method named 'nope'"),
        ({"settings": {"timesteps": 0}}, BadSetting, "timesteps must be in"),
        ({**model, "model": "topp"}, BadModel, "'topp' is not known: did you mean 'top"),
        ({**model, "weights": tmp_path / "none.pt"}, BadFile, "no such file"),
        ({**model, "out": weights}, BadSetting, "is a file: give a folder"),
    ):
        with pytest.raises(error, match=words):
            run(request(tmp_path, **more))


def test_timesteps_are_counted_before_data_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = run_folder(tmp_path / "source", 7, 7)
    refuse_data(monkeypatch)
    for method in ("qac", "exact"):
        request = ConvertRequest(
            out=tmp_path / "out", run=source, data="digits", method=method, settings={"timesteps": (2, 3, 4)}
        )
        with pytest.raises(BadSetting, match="timesteps gives 3 numbers, the source has 2 activations"):
            run(request)


def test_random_weights_have_to_be_asked_for(tmp_path: Path) -> None:
    for model in ("top0", "package.module:factory"):
        with pytest.raises(BadSetting, match="has no trained weights: give --weights, or --random-weights"):
            ConvertRequest(out=tmp_path / "out", model=model, data="digits")
    with pytest.raises(BadSetting, match="--random-weights and --weights contradict each other"):
        ConvertRequest(out=tmp_path, model="top0", data="digits", weights=tmp_path / "w.pt", random_weights=True)
    with pytest.raises(BadSetting, match="--random-weights needs --model"):
        ConvertRequest(out=tmp_path, run=tmp_path, random_weights=True)
    request = ConvertRequest(out=tmp_path / "out", model="top0", data="digits", random_weights=True, calibration=20)
    assert run(request).about["random_weights"]
