"""Counts become float32 as they are or at most 1; the settings survive JSON; other frames are refused."""

import dataclasses
import json
from dataclasses import replace

import pytest
import torch
from pydantic import TypeAdapter

from spikewright.data.events.preparation import EventPreparation
from spikewright.data.events.recording_settings import RecordingSettings
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData, BadSetting

PREPARE = EventPreparation(timesteps=2, by="count", size=(3, 4))


def some_frames(count: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 2, 2, 3, 4), dtype=torch.uint8, generator=generator)


def test_counts_come_out_as_they_are() -> None:
    frames = some_frames()
    got = PREPARE(frames)
    assert got.dtype == torch.float32
    assert got.tolist() == frames.tolist()
    assert PREPARE.value_range == (0.0, 255.0)


def test_binary_tells_only_whether_there_was_an_event() -> None:
    frames = some_frames() % 3
    before = frames.clone()
    binary = dataclasses.replace(PREPARE, binary=True)
    assert binary(frames).tolist() == [
        [[[[min(v, 1) for v in r] for r in c] for c in t] for t in n] for n in frames.tolist()
    ]
    assert torch.equal(frames, before)
    assert binary.value_range == (0.0, 1.0)


def test_shapes_are_told() -> None:
    assert (PREPARE.channels, PREPARE.size, PREPARE.frame_shape) == (2, (3, 4), (2, 2, 3, 4))


def test_json_round_trip_gives_an_equal_hashable_object() -> None:
    text = json.dumps(dataclasses.asdict(PREPARE))
    assert EventPreparation(**json.loads(text)) == PREPARE
    images = InputPreparation(mean=(0.5,), std=(0.25,), size=(3, 4), channels=1)
    either = TypeAdapter(InputPreparation | EventPreparation)
    for prepare in (PREPARE, images):
        again = either.validate_json(json.dumps(dataclasses.asdict(prepare)))
        assert again == prepare
        assert hash(again) == hash(prepare)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timesteps": 0}, "timesteps is 0: it must be 1 or more"),
        ({"by": "both"}, "no windows by 'both': choose time or count"),
        ({"size": (0, 4)}, r"size is \(0, 4\): give \(height, width\), each from 1 to 16,384"),
        ({"size": (4,)}, r"size is \(4,\)"),
        ({"size": (4, 16_385)}, r"size is \(4, 16385\): give \(height, width\), each from 1 to 16,384"),
        ({"timesteps": 65_537}, "timesteps is 65537: it must be 65,536 or less"),
    ],
)
def test_impossible_settings_are_refused(change: dict, message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        dataclasses.replace(PREPARE, **change)


def test_the_ends_of_a_range_are_in_it() -> None:
    assert EventPreparation(timesteps=65_536, size=(16_384, 1)).frame_shape == (65_536, 2, 16_384, 1)
    assert EventPreparation(timesteps=1, size=(1, 16_384)).frame_shape == (1, 2, 1, 16_384)


@pytest.mark.parametrize(
    "frames",
    [some_frames().float(), some_frames()[:, :1], some_frames()[..., :3], some_frames()[0], some_frames()[:, :, :1]],
)
def test_other_frames_are_refused(frames: torch.Tensor) -> None:
    with pytest.raises(BadData, match=r"give uint8 frames of events \[N, 2, 2, 3, 4\]"):
        PREPARE(frames)


def test_what_was_known_of_recordings_is_in_json_where_something_was() -> None:
    kinds = TypeAdapter(InputPreparation | EventPreparation)
    plain = EventPreparation(timesteps=3, size=(4, 5))
    known = replace(plain, recording=RecordingSettings(time_unit="s", sensor=(180, 240), stray="drop", polarity="-1/1"))
    assert kinds.dump_python(plain, mode="json") == {"timesteps": 3, "by": "time", "size": [4, 5], "binary": False}
    said = {"time_unit": "s", "sensor": [180, 240], "stray": "drop", "polarity": "-1/1"}
    assert kinds.dump_python(known, mode="json")["recording"] == said
    for preparation in (plain, known):
        read = kinds.validate_json(kinds.dump_json(preparation))
        assert read == preparation
        assert hash(read) == hash(preparation)
    assert plain != known
    assert repr(plain) == "EventPreparation(timesteps=3, by='time', size=(4, 5), binary=False)"  # part of what runs say
