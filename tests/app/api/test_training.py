"""A search from Python asks for what its settings, or their file, say."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spikewright.app.api import training
from spikewright.app.api.training import search
from spikewright.app.runs import search as verb
from spikewright.errors import SpikewrightError
from spikewright.exploration.request.settings import NetworkSettings, SearchSettings
from spikewright.exploration.request.space import ConvertedSpace


def test_settings_or_their_file_are_what_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def run(request: verb.SearchRequest) -> SimpleNamespace:
        asked.append(request.settings)
        return SimpleNamespace(outcome="an outcome")

    monkeypatch.setattr(verb, "run", run)
    settings = SearchSettings(
        kind="convert", network=NetworkSettings(run=tmp_path / "ann"), out=tmp_path / "out",
        space=ConvertedSpace(methods=("exact",), timesteps=(2,)),
    )  # fmt: skip
    assert search(settings) == "an outcome"
    monkeypatch.setattr(training.config, "read", lambda path: replace(settings, out=path.with_suffix("")))
    assert search(str(tmp_path / "search.toml")) == search(tmp_path / "search.toml") == "an outcome"
    assert asked == [settings, *[replace(settings, out=tmp_path / "search")] * 2]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpikewrightError, match=r"none\.toml") as caught:
        search(tmp_path / "none.toml")
    assert "\n" not in str(caught.value)
