"""A comparison's rows against conversions and scores one by one, and what becomes of them when it is interrupted."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.refuse_data import refuse_data
from support.trained import classifier, digits, run_folder

from spikewright.app.pages.comparison import ComparisonRow
from spikewright.app.runs import acquire
from spikewright.app.runs import compare as module
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.compare import PAGE, ROWS, CompareRequest, CompareResult, run
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.cos import Cos
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.snnc_light import SnncLight
from spikewright.errors import BadFile, BadModel, BadSetting
from spikewright.interchange.claim import claimed
from spikewright.measure.scoring import accuracy_of_source, score


def compare(request: CompareRequest, **more: Any) -> tuple[ComparisonRow, ...]:
    return run(request, **more).rows


def request(tmp_path: Path, **more: Any) -> CompareRequest:
    folder = tmp_path / "run"
    if not folder.is_dir():
        run_folder(folder)
    settings = {"run": folder, "methods": ("exact", "qcfs"), "timesteps": (2, 3), "calibration": 60, **more}
    return CompareRequest(**settings)


def test_rows_are_conversions_scored_one_by_one(tmp_path: Path) -> None:
    wanted = request(tmp_path, methods=("exact", "qcfs:alignment=average", "cos:rounds=2:warmup=3", "snnc_light"))
    rows = compare(wanted)
    source, data = classifier(), digits()
    labelled = acquire.labelled(data.test, data)
    batches = acquire.inputs(data.train, data, limit=60, seed=0)
    methods = [
        (Exact(timesteps=t), Qcfs(timesteps=t, alignment="average"), Cos(timesteps=t, rounds=2, warmup=3),
         SnncLight(timesteps=t))
        for t in (2, 3)
    ]  # fmt: skip
    expected = []
    for index, spec in enumerate(wanted.methods):
        for steps in (0, 1):
            dtype = torch.float64 if spec == "exact" else torch.float32
            network = convert(source, methods[steps][index], batches)
            accuracy = accuracy_of_source(source, labelled, dtype=torch.float64)
            found = score(network, source, labelled, table="horowitz_int32", dtype=dtype)
            row = ComparisonRow(
                method=spec, timesteps=steps + 2, timesteps_mean=steps + 2, latency_steps=found.latency_steps,
                accuracy_snn=found.accuracy_snn, accuracy_source=accuracy,
                energy_joules_snn=found.energy_joules_snn, spikes_per_neuron=found.spikes_per_neuron,
            )  # fmt: skip
            expected.append(row)
    assert rows == tuple(expected)
    stored = json.loads((tmp_path / "run" / "compare" / ROWS).read_text())
    assert stored["rows"] == CompareResult(rows=rows, folder=tmp_path).to_json()
    assert stored["of"]["images"] == len(data.test.labels)
    page = (tmp_path / "run" / "compare" / PAGE).read_text()
    assert "cos:rounds=2:warmup=3" in page and "450 test images" in page


def test_rows_that_claim_equality_are_computed_where_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    types: list[torch.dtype] = []

    def noted(function: Any) -> Any:
        def call(*given: Any, **more: Any) -> Any:
            types.append(more["dtype"])
            return function(*given, **more)

        return call

    monkeypatch.setattr(module, "score", noted(score))
    monkeypatch.setattr(module, "accuracy_of_source", noted(accuracy_of_source))
    run_folder(tmp_path / "run", 3, 3)
    rows = compare(request(tmp_path, methods=("exact", "qcfs"), timesteps=(2,)))
    assert types == [torch.float64, torch.float64, torch.float32]  # the source, exact, qcfs
    assert rows[0].accuracy_snn == rows[0].accuracy_source


def test_images_split_and_folder_are_as_asked_for(tmp_path: Path) -> None:
    wanted = request(tmp_path, methods=("exact",), split="validation", samples=40, out=tmp_path / "there")
    (first, _) = compare(wanted)
    data = digits()
    labelled = acquire.labelled(data.validation, data, limit=40)
    assert sum(len(labels) for _, labels in labelled) == 40
    assert first.accuracy_source == accuracy_of_source(classifier(), labelled)
    assert "40 validation images" in (tmp_path / "there" / PAGE).read_text()
    assert not (tmp_path / "run" / "compare").exists()


def test_exact_is_left_out_where_it_has_no_such_timesteps(tmp_path: Path) -> None:
    wanted = request(tmp_path, methods=("exact", "qcfs"), timesteps=(2, 17), samples=20)
    assert [(row.method, row.timesteps) for row in compare(wanted)] == [("exact", 2), ("qcfs", 2), ("qcfs", 17)]
    with pytest.raises(BadSetting, match="exact takes at most 16 timesteps: give fewer, or another method"):
        request(tmp_path, methods=("exact", "exact:per_channel=true"), timesteps=(17, 32))


# Interrupted ---------------------------------------------------------------------------------------------------


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The methods that are converted by, as they come."""
    done: list[Any] = []

    def counted(source: Any, method: Any, *rest: Any, **more: Any) -> Any:
        done.append(method)
        return convert(source, method, *rest, **more)

    monkeypatch.setattr(module, "convert", counted)
    return done


def test_rows_that_are_there_are_not_made_again(tmp_path: Path, conversions: list[Any]) -> None:
    wanted = request(tmp_path, samples=50)
    whole = compare(wanted)
    assert conversions == [Exact(timesteps=2), Exact(timesteps=3), Qcfs(timesteps=2), Qcfs(timesteps=3)]
    saved = (tmp_path / "run" / "compare" / ROWS).read_bytes()
    conversions.clear()
    assert compare(wanted) == whole
    assert conversions == []
    assert (tmp_path / "run" / "compare" / ROWS).read_bytes() == saved
    wider = compare(replace(wanted, methods=("qcfs", "opi"), timesteps=(3, 1)))
    assert [(row.method, row.timesteps) for row in wider] == [("qcfs", 3), ("qcfs", 1), ("opi", 3), ("opi", 1)]
    assert wider[0] == whole[3]
    assert len(conversions) == 3
    stored = json.loads((tmp_path / "run" / "compare" / ROWS).read_text())["rows"]
    assert len(stored) == 4 + 3  # those that were not asked for this time are kept


@pytest.mark.parametrize("after", [0, 1, 3])
def test_interrupted_it_keeps_its_rows_and_goes_on(after: int, tmp_path: Path, conversions: list[Any]) -> None:
    whole = request(tmp_path, samples=50, out=tmp_path / "whole")
    rows = compare(whole)
    conversions.clear()

    def interrupt(what: str, done: int, of: int) -> None:
        if what == "rows" and done == after:
            assert of == 4
            raise KeyboardInterrupt

    parts = replace(whole, out=tmp_path / "parts")
    with pytest.raises(KeyboardInterrupt):
        compare(parts, on_progress=interrupt)
    path = tmp_path / "parts" / ROWS
    assert (json.loads(path.read_text())["rows"] if path.is_file() else []) == [asdict(row) for row in rows[:after]]
    assert len(conversions) == after
    conversions.clear()
    assert compare(parts) == rows
    assert len(conversions) == 4 - after
    assert path.read_bytes() == (tmp_path / "whole" / ROWS).read_bytes()
    assert [each.name for each in sorted((tmp_path / "parts").iterdir())] == [PAGE, ROWS]


def test_interrupted_within_a_row_that_row_is_made_again(tmp_path: Path) -> None:
    whole = request(tmp_path, samples=120)

    def interrupt(what: str, done: int, of: int) -> None:
        if what == "exact, T = 3" and done == 100:
            assert of == 120
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(whole, on_progress=interrupt)
    path = tmp_path / "run" / "compare" / ROWS
    assert [row["timesteps"] for row in json.loads(path.read_text())["rows"]] == [2]
    assert len(compare(whole)) == 4


# Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"split": "validation"}, {"samples": 49}, {"calibration": 61}, {"energy_table": "horowitz_fp32"},
        {"images": ImageSettings(seed=1)}, {"images": ImageSettings(mean=(0.4,))},
    ],
)  # fmt: skip
def test_rows_of_another_comparison_are_not_mixed_in(more: dict[str, Any], tmp_path: Path) -> None:
    wanted = request(tmp_path, methods=("exact",), timesteps=(2,), samples=50)
    compare(wanted)
    saved = (tmp_path / "run" / "compare" / ROWS).read_bytes()
    with pytest.raises(BadFile, match=rf"{ROWS} holds another comparison .*: choose another --out, or delete it"):
        compare(replace(wanted, **more))
    assert (tmp_path / "run" / "compare" / ROWS).read_bytes() == saved


def test_rows_of_another_network_are_not_mixed_in(tmp_path: Path) -> None:
    wanted = request(tmp_path, methods=("exact",), timesteps=(2,), samples=50, out=tmp_path / "out")
    compare(wanted)
    with pytest.raises(BadFile, match="holds another comparison"):
        compare(replace(wanted, run=run_folder(tmp_path / "other", 5, 3)))


@pytest.mark.parametrize("damage", ["", "{", "[]", "\xff", '{"of": 1}', "rows", "figures"])
def test_a_damaged_file_is_refused(damage: str, tmp_path: Path) -> None:
    wanted = request(tmp_path, methods=("exact",), timesteps=(2,), samples=50)
    compare(wanted)
    path = tmp_path / "run" / "compare" / ROWS
    stored = json.loads(path.read_text())
    match damage:
        case "rows":
            path.write_text(json.dumps({**stored, "rows": [{"method": "exact"}]}))
        case "figures":
            path.write_text(json.dumps({**stored, "rows": [{**stored["rows"][0], "accuracy_snn": 7.0}]}))
        case _:
            path.write_text(damage, encoding="latin-1")
    with pytest.raises(
        BadFile, match=rf"{ROWS} ((cannot be read|is not valid JSON) .*damaged; delete it|holds another)"
    ) as caught:
        compare(wanted)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"methods": ()}, "at least one method and one number of timesteps"),
        ({"timesteps": ()}, "at least one method and one number of timesteps"),
        ({"samples": 0}, "images must be at least 1, got 0"),
        ({"calibration": 0}, "calibration must be at least 1, got 0"),
        ({"methods": ("nope",)}, "no method named 'nope': choose among cos, exact"),
        ({"methods": ("cos:turns=3",)}, "Cos has no setting 'turns': known are timesteps, warmup, rounds"),
        ({"methods": ("cos:rounds",)}, r"'cos:rounds': 'rounds' is not key=value, as in cos:rounds=3"),
        ({"methods": ("cos:rounds=many",)}, "setting rounds='many' is not valid"),
        ({"timesteps": (2, 2**17)}, "timesteps must be in 1..65536"),
        ({"energy_table": "free"}, "no energy table named 'free'"),
    ],
)
def test_requests_that_cannot_be_met_are_refused_at_once(more: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=words):
        request(tmp_path, **more)


def test_runs_data_and_splits_that_are_not_there_are_refused(tmp_path: Path) -> None:
    wanted = request(tmp_path, samples=50)
    with pytest.raises(BadSetting, match="no split named 'tset': choose train, validation or test"):
        compare(replace(wanted, split="tset"))
    with pytest.raises(BadFile, match="nowhere"):
        compare(replace(wanted, run=tmp_path / "nowhere"))
    with pytest.raises(BadSetting, match="does not say what data it was made with: give --data"):
        compare(replace(wanted, run=run_folder(tmp_path / "dataless", data=None)))
    with pytest.raises(BadModel, match="give --size, or data of that shape"):
        compare(replace(wanted, images=ImageSettings(size=(9, 9))))
    assert not (tmp_path / "run" / "compare").exists()


def test_nothing_is_loaded_where_run_method_or_split_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_data(monkeypatch)
    with pytest.raises(BadFile, match="nowhere"):
        compare(request(tmp_path, run=tmp_path / "nowhere"))
    for more, words in (({"methods": ("nope",)}, "no method named 'nope'"), ({"split": "tset"}, "no split named")):
        with pytest.raises(BadSetting, match=words):
            compare(request(tmp_path, **more))


def test_a_second_comparison_in_the_folder_is_refused_and_loses_no_row(tmp_path: Path) -> None:
    wanted = request(tmp_path)
    rows = compare(wanted)
    with (
        claimed(wanted.folder),
        pytest.raises(BadSetting, match=r"another command is at work in .*: wait until it has"),
    ):
        compare(wanted)
    assert compare(wanted) == rows
    assert sorted(path.name for path in wanted.folder.iterdir()) == [PAGE, ROWS]
