"""The demonstration refuses before it trains or writes."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.refuse_data import refuse_data

from spikewright.app.runs import demo
from spikewright.app.runs.demo import DemoRequest, run
from spikewright.data import load
from spikewright.errors import BadSetting


def test_nothing_is_loaded_or_written_where_it_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_data(monkeypatch)
    with pytest.raises(BadSetting, match=r"timesteps must be in 1\.\.16 for the exact method, got 17"):
        DemoRequest(out=tmp_path / "demo", timesteps=17)
    (tmp_path / "letter.txt").touch()
    with pytest.raises(BadSetting, match="holds something else than a demo: choose another folder"):
        run(DemoRequest(out=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_codes_are_compared_on_the_whole_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def noted(name: str) -> Callable[..., Any]:
        def run_it(request: Any, **_: object) -> Any:
            asked[name] = request
            if name == "evaluate":
                raise InterruptedError
            return SimpleNamespace(certificate=None, about={})

        return run_it

    for name in ("train", "convert", "verify", "evaluate"):
        monkeypatch.setattr(getattr(demo, name), "run", noted(name))
    with pytest.raises(InterruptedError):
        run(DemoRequest(out=tmp_path / "demo", timesteps=3, seed=5))
    images = len(load("digits").test)
    assert asked["evaluate"].settings.codes_images == asked["verify"].samples == images
    assert (asked["train"].levels, asked["train"].settings.seed) == (7, 5)
    assert asked["convert"].settings == {"timesteps": 3}
    assert asked["convert"].run == asked["train"].out
    assert asked["convert"].out == asked["verify"].run == asked["evaluate"].run
