"""Hashes are those of hashlib over the bytes; the date can be set."""

import hashlib
import struct
from pathlib import Path

import pytest
import torch

from spikewright.app.runs.provenance import provenance, traced
from spikewright.errors import BadFile, BadSetting
from spikewright.measure.samples import Prepared


def test_hashes_can_be_worked_out_again(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "source.json").write_bytes(b"{}")
    (run / "source.safetensors").write_bytes(b"x" * 100)
    made = traced(run, "source", Prepared(torch.tensor([[1.0, -2.5]]), torch.tensor([3]))).to_json()
    assert made["sha256"] == {
        "source.json": hashlib.sha256(b"{}").hexdigest(),
        "source.safetensors": hashlib.sha256(b"x" * 100).hexdigest(),
        "inputs": hashlib.sha256(struct.pack("<2f", 1.0, -2.5)).hexdigest(),
        "labels": hashlib.sha256(struct.pack("<q", 3)).hexdigest(),
    }
    assert (made["name"], made["of"]) == ("run", "source")
    with pytest.raises(BadFile, match=r"plan\.json cannot be read"):
        traced(run, "spiking", Prepared(torch.zeros(1, 2), torch.tensor([0])))


def test_command_and_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    made = provenance(["inject", "a b"]).to_json()
    assert (made["date"], made["command"]) == ("1970-01-01T00:00:00Z", "spikewright inject 'a b'")
    assert made["torch"] == torch.__version__
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "now")
    with pytest.raises(BadSetting, match="SOURCE_DATE_EPOCH"):
        provenance([])
