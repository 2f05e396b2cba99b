"""The version in the header decides who reads a file."""

from pathlib import Path

import pytest

from data.events.reading import events_of
from data.events.writing import aedat2_bytes, aedat3_bytes, aedat4_bytes, some_events, write
from spikewright.data.events.aedat import read_aedat
from spikewright.errors import BadFile

EVENTS = some_events(20, sensor=(128, 128))


def test_each_version_finds_its_reader(tmp_path: Path) -> None:
    pytest.importorskip("tonic")
    for content in (aedat2_bytes(EVENTS), aedat3_bytes(EVENTS)):
        assert events_of(read_aedat(write(tmp_path / "a.aedat", content))) == EVENTS
    pytest.importorskip("aedat")
    content = aedat4_bytes(EVENTS, sensor=(128, 128))
    assert events_of(read_aedat(write(tmp_path / "a.aedat4", content))) == EVENTS


@pytest.mark.parametrize("content", [b"", b"\0" * 80, b"# a comment first\r\n#!AER-DAT2.0\r\n"])
def test_a_file_without_the_version_line_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadFile, match=r"a\.aedat: does not start with #!AER-DAT: it is no AEDAT file"):
        read_aedat(write(tmp_path / "a.aedat", content))


@pytest.mark.parametrize("version", [b"1.0", b"3.0", b"", b"\xff"])
def test_other_versions_are_refused_with_those_that_are_read(tmp_path: Path, version: bytes) -> None:
    with pytest.raises(BadFile, match=r"AEDAT version .* is not read, only 2\.0, 3\.1, 4\.0: convert the file"):
        read_aedat(write(tmp_path / "a.aedat", b"#!AER-DAT" + version + b"\r\n"))
