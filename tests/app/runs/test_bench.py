"""A run in every engine: figures against others worked out apart, and refusals."""

from pathlib import Path

import pytest
import torch
from support.refuse_data import refuse_data
from support.trained import digits, run_folder

from spikewright.app.runs import acquire, convert, evaluate
from spikewright.app.runs.bench import BenchRequest, BenchResult, run
from spikewright.app.runs.convert import ConvertRequest
from spikewright.engines.lower.integer import lowered
from spikewright.engines.names import engines
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData, BadFile, BadSetting
from spikewright.exploration.figures.fault_free import golden
from spikewright.interchange.run_folder import load_blueprint
from spikewright.measure.evaluation import EvaluateSettings
from spikewright.measure.scoring import score


def _run(tmp_path: Path, weight_bits: int | None = None) -> Path:
    request = ConvertRequest(out=tmp_path / "out", run=run_folder(tmp_path / "run", 7, 7), weight_bits=weight_bits,
                             settings={"timesteps": 3})  # fmt: skip
    convert.run(request)
    return request.out


def _bench(folder: Path, **more: int) -> BenchResult:
    return run(BenchRequest(run=folder, **{"batch": 8, "rounds": 2, **more}))


@pytest.mark.parametrize("weight_bits", [None, 8])
def test_each_engine_has_a_row(weight_bits: int | None, tmp_path: Path) -> None:
    made = _run(tmp_path, weight_bits)
    report = _bench(made)
    rows = {row.engine: row for row in report.rows}
    assert list(rows) == ["source", *engines()]
    blueprint = load_blueprint(made)[0]
    x = acquire.inputs(digits().test, digits(), limit=8)[0]
    exact = [r.codes for r in build(blueprint, dtype=torch.float64).walk(x.double()) if isinstance(r, StageRecord)]
    whole = [r.codes for r in build(blueprint, lower=lowered).walk(x.double()) if isinstance(r, StageRecord)]
    changed = sum(int((a != b).sum()) for a, b in zip(exact, whole, strict=True))
    assert report.codes == sum(codes.numel() for codes in exact)
    assert rows["float64"].codes_that_differ == 0
    assert rows["int8"].codes_that_differ == changed
    numbers = 64 * 20 + 20 * 12 + 12 * 10
    assert rows["float"].weight_bytes == rows["source"].weight_bytes == 4 * numbers
    assert rows["int8"].weight_bytes == numbers
    assert rows["source"].ratio == 1.0
    for row in report.rows:
        assert (row.milliseconds is None) == (row.obstacle is not None)
        if row.milliseconds is not None:
            assert row.samples_per_second == pytest.approx(8000 / row.milliseconds)
    first = rows["source"].milliseconds
    assert [row.ratio for row in report.rows] == [
        row.milliseconds and pytest.approx(row.milliseconds / first) for row in report.rows
    ]
    assert report.to_json()["rows"][0]["engine"] == "source"


@pytest.mark.parametrize("table", ["horowitz_int32", "horowitz_fp32"])
def test_energy_is_that_of_every_other_verb(table: str, tmp_path: Path) -> None:
    made = _run(tmp_path)
    rows = run(BenchRequest(run=made, batch=8, rounds=1, energy_table=table)).rows
    settings = EvaluateSettings(images=8, energy_table=table)
    found = evaluate.run(evaluate.EvaluateRequest(run=made, settings=settings)).evaluation
    shown = {row.engine: row.energy_joules for row in rows if row.obstacle is None}
    assert shown.pop("source") == found.energy_joules_source
    expected = pytest.approx(found.energy_joules_snn, rel=1e-3)  # float32 may fire otherwise at a tie
    assert shown and len(set(shown.values())) == 1 and shown["float"] == expected
    source, data, _ = acquire.of_run(made, data=None, images=acquire.ImageSettings())
    golden_of = golden(load_blueprint(made)[0], source, acquire.labelled(data.test, data, limit=8), table=table)
    assert golden_of.energy_joules == expected
    scored = score(load_blueprint(made)[0], source, acquire.labelled(data.test, data, limit=8), table=table)
    assert scored.energy_joules_snn == expected


def test_a_table_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadSetting, match="no energy table named 'mine'"):
        BenchRequest(run=Path("nowhere"), energy_table="mine")


def test_an_engine_that_cannot_run_says_why(tmp_path: Path) -> None:
    out = tmp_path / "lockstep"
    convert.run(
        ConvertRequest(out=out, run=run_folder(tmp_path / "run", 7, 7), method="qcfs", settings={"timesteps": 3})
    )
    rows = {row.engine: row for row in _bench(out).rows}
    assert "postponed firing" in str(rows["int8"].obstacle)
    assert rows["float"].obstacle is None


def test_requests_that_cannot_be_met_are_refused(tmp_path: Path) -> None:
    made = _run(tmp_path)
    with pytest.raises(BadSetting, match="--batch is 0"):
        _bench(made, batch=0)
    with pytest.raises(BadSetting, match="--rounds is 0"):
        _bench(made, rounds=0)
    with pytest.raises(BadData, match="fewer than 100000 images"):
        _bench(made, batch=100000)


def test_nothing_is_loaded_where_run_or_settings_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_data(monkeypatch)
    with pytest.raises(BadFile, match="no run folder"):
        _bench(tmp_path / "nowhere")
    with pytest.raises(BadSetting, match="--threads is 0"):
        _bench(tmp_path / "nowhere", threads=0)
