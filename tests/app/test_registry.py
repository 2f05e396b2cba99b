"""Names and settings given as text."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.app import registry as names
from spikewright.conversion.methods.exact import Exact
from spikewright.errors import BadSetting, SpikewrightError


@dataclass(frozen=True)
class Settings:
    count: int
    rate: float = 0.5
    on: bool = False
    label: str | None = None
    sizes: tuple[int, ...] = ()


def test_a_folder_is_the_registry() -> None:
    assert "exact" in names.names("methods")
    assert names.find("methods", "exact") is Exact
    assert set(names.names("schedules")) >= {"lockstep", "two_phase"}
    for name in names.names("methods"):
        assert isinstance(names.find("methods", name), type)


@pytest.mark.parametrize("name", ["exakt", "", "__init__", "exact.py", "../methods/exact", "Exact"])
def test_an_unknown_name_lists_what_there_is(name: str) -> None:
    with pytest.raises(BadSetting) as caught:
        names.find("methods", name)
    assert "exact" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 16), st.booleans())
def test_text_becomes_the_fields_type(timesteps: int, per_channel: bool) -> None:
    found = names.configure(Exact, {"timesteps": str(timesteps), "per_channel": str(per_channel).lower()})
    assert found == Exact(timesteps=timesteps, per_channel=per_channel)


def test_every_type_of_setting() -> None:
    found = names.configure(Settings, {"count": "3", "rate": "1e-3", "on": "yes", "label": "x"})
    assert found == Settings(3, 0.001, True, "x")
    assert names.configure(Settings, {"count": 3, "sizes": [1, "2"]}).sizes == (1, 2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": "three"}, "count='three'"),
        ({"count": "2.5"}, "count"),
        ({"count": "1", "rate": "fast"}, "rate"),
        ({"count": "1", "on": "perhaps"}, "on"),
        ({"cuont": "1"}, "known are count, rate, on, label, sizes"),
        ({}, "count"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, str], words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        names.configure(Settings, settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_rule_of_the_class_itself_is_passed_on() -> None:
    with pytest.raises(SpikewrightError, match=r"1\.\.16"):
        names.configure(Exact, {"timesteps": "17"})
