"""What is said about recordings is one of few things, and comes back from JSON."""

from typing import Any

import pytest

from spikewright.data.events.recording_settings import AS_THEY_ARE, RecordingSettings
from spikewright.errors import BadSetting


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time_unit": "sec"}, "time unit is 'sec': .*choose among s, ms, us, ns"),
        ({"stray": "keep"}, "stray is 'keep': choose among refuse, drop"),
        ({"polarity": "1/0"}, "polarity is '1/0': .*choose among 0/1, -1/1"),
        ({"sensor": (0, 5)}, r"sensor is \(0, 5\): give \(height, width\)"),
        ({"sensor": (4, 5, 6)}, r"sensor is \(4, 5, 6\)"),
        ({"sensor": (2**14 + 1, 5)}, "each from 1 to 16,384 pixels"),
        ({"sensor": (5, 2**14 + 1)}, "each from 1 to 16,384 pixels"),
        ({"sensor": (5, 0)}, "each from 1 to 16,384 pixels"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSetting, match=message) as caught:
        RecordingSettings(**settings)
    assert "\n" not in str(caught.value)


def test_the_ends_of_a_range_are_in_it() -> None:
    for sensor in ((1, 2**14), (2**14, 1)):
        assert RecordingSettings(sensor=sensor).sensor == sensor


def test_lists_of_json_are_pairs() -> None:
    read = RecordingSettings(sensor=[180, 240])  # type: ignore[arg-type]
    assert read == RecordingSettings(sensor=(180, 240))
    assert hash(read) == hash(RecordingSettings(sensor=(180, 240)))


def test_what_only_columns_take_is_known() -> None:
    assert AS_THEY_ARE.of_columns == ()
    assert RecordingSettings(sensor=(3, 4), stray="drop").of_columns == ()
    assert RecordingSettings(time_unit="s", polarity="-1/1").of_columns == ("time unit s", "polarity -1/1")
