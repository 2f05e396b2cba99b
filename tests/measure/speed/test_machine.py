"""The processor in words, from a file of the test's."""

from pathlib import Path

import pytest
import torch

from spikewright.measure.speed import machine


def test_what_the_system_tells_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("model name\t: Some Chip\ncpu family\t: 26\nmodel\t\t: 2\nflags\t\t: fpu avx2 avx512_vnni\n")
    monkeypatch.setattr(machine, "_CPUINFO", path)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    found = machine.processor()
    assert found["name"] == "Some Chip (family 26, model 2)"
    assert found["extensions"] == "avx2, avx512_vnni"
    assert found["onednn_held_to"] == "AVX2"
    assert found["threads"] == str(torch.get_num_threads())


def test_what_it_does_not_tell_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "none")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert set(machine.processor()) == {"machine", "capability", "threads"}
