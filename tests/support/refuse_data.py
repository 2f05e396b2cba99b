"""Data that must not be loaded."""

from typing import Any, NoReturn

import pytest

from spikewright.app.runs import acquire, train


def refuse_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a test fails where a verb loads any data."""

    def refuse(*given: Any, **named: Any) -> NoReturn:
        raise AssertionError(f"data were loaded: {given}")

    for module, name in ((acquire, "load"), (acquire, "load_events"), (train, "load_events")):
        monkeypatch.setattr(module, name, refuse)
