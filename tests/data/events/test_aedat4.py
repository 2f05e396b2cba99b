"""AEDAT 4.0 through tonic and aedat: events and the size of the sensor come back, cut files are refused."""

import sys
from pathlib import Path

import pytest

from data.events.reading import events_of
from data.events.writing import aedat4_bytes, some_events, write
from spikewright.data.events.aedat4 import read_aedat4
from spikewright.errors import BadFile, BadSetting

SENSOR = (60, 80)
EVENTS = some_events(30, sensor=SENSOR)
CONTENT = aedat4_bytes(EVENTS, sensor=SENSOR, packet=20)
LAST_PACKET = 8 + 4 + 28 + 10 * 16


def test_without_aedat_the_way_out_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tonic")
    monkeypatch.setitem(sys.modules, "aedat", None)
    file = write(tmp_path / "a.aedat4", CONTENT)
    with pytest.raises(BadSetting, match=r"reading it takes aedat.*: pip install 'spikewright\[events\]'"):
        read_aedat4(file)


class TestWithAedat:
    @pytest.fixture(autouse=True)
    def _needs_both(self) -> None:
        pytest.importorskip("tonic")
        pytest.importorskip("aedat")

    @pytest.mark.parametrize("packet", [1, 7, 30])
    def test_events_and_sensor_come_back_as_written(self, tmp_path: Path, packet: int) -> None:
        read = read_aedat4(write(tmp_path / "a.aedat4", aedat4_bytes(EVENTS, sensor=SENSOR, packet=packet)))
        assert events_of(read) == EVENTS
        assert read.sensor == SENSOR

    def test_another_sensor_can_be_told(self, tmp_path: Path) -> None:
        assert read_aedat4(write(tmp_path / "a.aedat4", CONTENT), sensor=(128, 128)).sensor == (128, 128)

    @pytest.mark.parametrize("lost", [1, 16, LAST_PACKET - 4])
    def test_a_file_cut_within_a_packet_is_refused(self, tmp_path: Path, lost: int) -> None:
        file = write(tmp_path / "a.aedat4", CONTENT[:-lost])
        with pytest.raises(BadFile, match=r"a\.aedat4: cannot be decoded \(.*\): it is empty, cut short") as caught:
            read_aedat4(file)
        assert "\n" not in str(caught.value)

    def test_a_file_without_packets_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadFile, match="cannot be decoded"):
            read_aedat4(write(tmp_path / "a.aedat4", aedat4_bytes([], sensor=SENSOR)))

    def test_a_file_without_a_stream_of_events_is_refused(self, tmp_path: Path) -> None:
        content = aedat4_bytes([], sensor=SENSOR, kind="FRME")
        with pytest.raises(BadFile, match="holds no stream of events"):
            read_aedat4(write(tmp_path / "a.aedat4", content))
