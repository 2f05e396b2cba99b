"""A run in every engine: figures against others worked out apart, and refusals."""

from pathlib import Path

import pytest
import torch
from support.trained import digits, run_folder

from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.bench import BenchReport, bench
from spikewright.app.runs.convert import ConvertRequest, convert
from spikewright.engines.lower.integer import lowered
from spikewright.engines.names import engines
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData, BadSetting
from spikewright.interchange.run_folder import load_blueprint


def _run(tmp_path: Path, weight_bits: int | None = None) -> Path:
    request = ConvertRequest(out=tmp_path / "out", run=run_folder(tmp_path / "run", 7, 7), weight_bits=weight_bits,
                             settings={"timesteps": 3})  # fmt: skip
    convert(request)
    return request.out


def _bench(run: Path, **more: int) -> BenchReport:
    return bench(run, images=ImageSettings(), **{"batch": 8, "rounds": 2, **more})


@pytest.mark.parametrize("weight_bits", [None, 8])
def test_each_engine_has_a_row(weight_bits: int | None, tmp_path: Path) -> None:
    run = _run(tmp_path, weight_bits)
    report = _bench(run)
    rows = {row.engine: row for row in report.rows}
    assert list(rows) == ["source", *engines()]
    blueprint = load_blueprint(run)[0]
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
    assert rows["int8"].energy_joules < rows["float"].energy_joules  # 8 bits against 32, the same spikes
    assert report.to_json()["rows"][0]["engine"] == "source"


def test_an_engine_that_cannot_run_says_why(tmp_path: Path) -> None:
    out = tmp_path / "lockstep"
    convert(ConvertRequest(out=out, run=run_folder(tmp_path / "run", 7, 7), method="qcfs", settings={"timesteps": 3}))
    rows = {row.engine: row for row in _bench(out).rows}
    assert "postponed firing" in str(rows["int8"].obstacle)
    assert rows["float"].obstacle is None


def test_requests_that_cannot_be_met_are_refused(tmp_path: Path) -> None:
    run = _run(tmp_path)
    with pytest.raises(BadSetting, match="--batch is 0"):
        _bench(run, batch=0)
    with pytest.raises(BadSetting, match="--rounds is 0"):
        _bench(run, rounds=0)
    with pytest.raises(BadData, match="fewer than 100000 images"):
        _bench(run, batch=100000)
