"""The layout of AEDAT 4.0 is followed before the decoder does: whatever byte is changed, nothing but a refusal."""

import struct
from pathlib import Path

import pytest

from data.events.writing import aedat4_bytes, some_events, write
from spikewright.data.events import aedat4
from spikewright.data.events.aedat4 import read_aedat4
from spikewright.data.events.aedat4_layout import require_layout
from spikewright.errors import BadFile

SENSOR = (60, 80)
CONTENT = aedat4_bytes(some_events(30, sensor=SENSOR), sensor=SENSOR, packet=20)
HEADER = len(b"#!AER-DAT4.0\r\n") + 4
TABLE, FIELDS = HEADER + 20, HEADER + 8  # as the writer of the tests lays them out
FIRST_PACKET = HEADER + struct.unpack_from("<I", CONTENT, HEADER - 4)[0]


def with_bytes(at: int, new: bytes) -> bytes:
    return CONTENT[:at] + new + CONTENT[at + len(new) :]


def refusal(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(BadFile, match=r"a\.aedat4: cannot be read \(.*\): it is cut short or damaged") as caught:
        require_layout(write(tmp_path / "a.aedat4", content))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_followed_to_its_end(tmp_path: Path) -> None:
    require_layout(write(tmp_path / "a.aedat4", CONTENT))


def test_a_table_of_packets_ends_the_packets(tmp_path: Path) -> None:
    position = struct.unpack_from("<H", CONTENT, FIELDS + 4 + 2)[0]
    ended = with_bytes(TABLE + position, struct.pack("<q", len(CONTENT))) + b"a table"
    require_layout(write(tmp_path / "a.aedat4", ended))


@pytest.mark.parametrize(
    ("at", "new", "words"),
    [
        (HEADER - 4, b"\xff\xff\xff\x7f", "it has 2,147,483,647 bytes"),
        (HEADER - 4, b"\xff\xff\x0f\x00", "of 1,048,575 bytes are there"),
        (HEADER, b"\xff\xff\xff\x7f", "it points to byte 2,147,483,647"),
        (TABLE, b"\x00\x00\x00\x80", "it points to byte"),
        (FIELDS + 4, b"\xff\xff", "it points to byte"),
        (FIELDS + 4 + 4, b"\xff\xff", "it points to byte"),
        (FIRST_PACKET - 200, b"\xff", "can't decode byte"),
        (FIRST_PACKET + 4, struct.pack("<i", 11), "has 11 bytes"),
        (FIRST_PACKET + 4, struct.pack("<i", -1), "has -1 bytes"),
    ],
)
def test_what_points_out_of_the_file_is_refused(tmp_path: Path, at: int, new: bytes, words: str) -> None:
    assert words in refusal(tmp_path, with_bytes(at, new))


def test_the_start_alone_is_refused(tmp_path: Path) -> None:
    assert "buffer of 4 bytes" in refusal(tmp_path, CONTENT[: HEADER - 4])


def test_no_changed_byte_reaches_the_decoder_s_panics(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tonic")
    pytest.importorskip("aedat")
    for at in range(HEADER - 4, len(CONTENT), 5):
        for new in (b"\xff", b"\x00", b"\x80"):
            try:
                _ = read_aedat4(write(tmp_path / "a.aedat4", with_bytes(at, new)))
            except ValueError as error:  # the package's own, all of which are one line
                assert "\n" not in str(error)
    assert "panicked" not in capfd.readouterr().err


def test_a_panic_of_the_decoder_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tonic")

    class PanicException(BaseException):
        pass

    def panics(file: str) -> object:
        raise PanicException("index out of range")

    monkeypatch.setattr(aedat4, "_decoder", lambda file: panics)
    with pytest.raises(BadFile, match=r"cannot be decoded \(index out of range\): it is empty, cut short or damaged"):
        read_aedat4(write(tmp_path / "a.aedat4", CONTENT))
