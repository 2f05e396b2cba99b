"""The demonstration refuses before it trains or writes."""

from pathlib import Path

import pytest
from support.refuse_data import refuse_data

from spikewright.app.runs.demo import DemoRequest, run
from spikewright.errors import BadSetting


def test_nothing_is_loaded_or_written_where_it_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_data(monkeypatch)
    with pytest.raises(BadSetting, match=r"timesteps must be in 1\.\.16 for the exact method, got 17"):
        DemoRequest(out=tmp_path / "demo", timesteps=17)
    (tmp_path / "letter.txt").touch()
    with pytest.raises(BadSetting, match="holds something else than a demo: choose another folder"):
        run(DemoRequest(out=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
