"""Lines of t x y p, with blanks or commas, in the order that a first line names."""

from pathlib import Path

import pytest

from data.events.reading import events_of
from data.events.writing import some_events, write
from spikewright.data.events.recording_settings import RecordingSettings
from spikewright.data.events.text_file import read_txt
from spikewright.errors import BadData, BadFile

EVENTS = some_events(20, sensor=(128, 128))


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("", "{t} {x} {y} {p}"),
        ("# made by a camera\n", "{t}\t{x}  {y} {p}"),
        ("t,x,y,p\n", "{t}, {x}, {y}, {p}"),
        ("# X Y P T\n", "{x} {y} {p} {t}"),
    ],
)
def test_lines_come_back_as_written(tmp_path: Path, header: str, line: str) -> None:
    text = header + "".join(line.format(x=x, y=y, t=t, p=int(p)) + "\n" for x, y, t, p in EVENTS)
    assert events_of(read_txt(write(tmp_path / "a.txt", text.encode()))) == EVENTS


def test_seconds_of_the_event_camera_dataset(tmp_path: Path) -> None:
    text = "".join(f"{t / 1e6:.9f} {x} {y} {int(p)}\n" for x, y, t, p in EVENTS)
    file = write(tmp_path / "a.txt", text.encode())
    with pytest.raises(BadData, match=r"a\.txt: \d+ of 20 events have times with fractions"):
        read_txt(file)
    assert events_of(read_txt(file, how=RecordingSettings(time_unit="s"))) == EVENTS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 2 3\n4 5 6\n", "has 3 numbers a line: give four, t x y p"),
        (b"1 2 3 0\n4 5 6\n", "lines are not four numbers t x y p"),
        (b"a film that I liked\n", "lines are not four numbers t x y p"),
        (b"\xff\xfe\n", "lines are not four numbers t x y p"),
    ],
)
def test_other_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(BadFile, match=rf"a\.txt: {message}") as caught:
        read_txt(write(tmp_path / "a.txt", content))
    assert "\n" not in str(caught.value)


def test_text_without_lines_holds_no_events(tmp_path: Path) -> None:
    for content in (b"", b"# t x y p\n", b"\n\n"):
        with pytest.raises(BadData, match=r"a\.txt: no events"):
            read_txt(write(tmp_path / "a.txt", content))
