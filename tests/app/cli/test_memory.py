"""`memory` in a terminal: the table, both rules by name, and one line for whatever is wrong."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from app.cli.running import refused, spikewright

# VGGSNN for 3x32x32 images and 10 classes
WIDTHS = (64, 128, 256, 256, 512, 512, 512, 512)
HIDDEN = sum(9 * before * after for before, after in pairwise(WIDTHS))
NEURONS = sum(width * side**2 for width, side in zip(WIDTHS, (32, 32, 16, 16, 8, 8, 4, 4), strict=True))
ALL = (HIDDEN / 8 + 1728 + 5120 + 4 * (2752 + 2762) + 16 * NEURONS) / 1e6
ALL_FULL = 4 * (HIDDEN + 1728 + 5120 + 2752 + 2762 + 64 * NEURONS) / 1e6


def test_a_cell_of_table_2_of_q_snns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    bits = ["--weight-bits", "1", "--membrane-bits", "2", "--batch", "64"]
    assert spikewright(monkeypatch, "memory", "--model", "vggsnn", *bits, "--json", figures) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0] == "vggsnn: inputs 3x32x32, outputs 10, batch 64"
    assert lines[2:9] == [
        f"hidden weights {HIDDEN:,} 1 1.15 MB",
        "weights of the first layer 1,728 8 1.7 kB",
        "weights of the last layer 5,120 8 5.1 kB",
        "gains 2,752 32 11.0 kB",
        "biases 2,762 32 11.0 kB",
        "membranes of the largest layer 8,388,608 2 2.10 MB",
        f"membranes of all layers {64 * NEURONS:,} 2 {16 * NEURONS / 1e6:.2f} MB",
    ]
    assert lines[9:] == [
        "footprint, with the membranes of the largest layer (Q-SNNs, Table 2): 3.28 MB, 95.35% less than the "
        "70.47 MB of 32 bits",
        f"footprint, with the membranes of all layers (step by step): {ALL:.2f} MB, {1 - ALL / ALL_FULL:.2%} less than "
        f"the {ALL_FULL:.2f} MB of 32 bits",
    ]
    saved = json.loads(figures.read_text())
    assert saved["weight_bytes"] == HIDDEN // 8 + 1728 + 5120
    assert saved["gain_bytes"] + saved["bias_bytes"] == 4 * (2752 + 2762)
    assert saved["membrane_bytes_peak"] == 64 * 128 * 1024 // 4
    assert saved["membrane_bytes_all"] == 16 * NEURONS
    assert round(saved["footprint_megabytes"], 2) == 3.28
    assert round(saved["footprint_megabytes_all"], 6) == round(ALL, 6)


def test_full_precision_is_compared_with_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spikewright(monkeypatch, "memory", "--model", "top0", "--data", "digits") == 0
    said = capsys.readouterr().out
    # 64·32 + 32·10 weights, 42 biases, 32 membranes
    assert f"Table 2): {4 * (64 * 32 + 320 + 42 + 32) / 1e3:.1f} kB" in said
    assert "less than" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--weight-bits", "0"], "weight bits is 0: give 1..16, or 32"),
        (["--weight-bits", "24"], "weight bits is 24"),
        (["--membrane-bits", "1"], "membrane bits is 1: give 2..16, or 32"),
        (["--membrane-bits", "17"], "membrane bits is 17"),
        (["--edge-bits", "64"], "edge bits is 64"),
        (["--readout-bits", "0"], "read-out bits is 0"),
        (["--batch", "0"], "batch is 0"),
        (["--size", "0x8"], "--size is '0x8'"),
        (["--shape", "1x8x8", "--data", "digits"], "--shape says all of an input"),
        (["--device", "cuda"], "counts on the CPU, not on 'cuda'"),
    ],
)
def test_what_cannot_be_is_one_line_and_code_2(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(monkeypatch, capsys, "memory", "--model", "top0", *arguments)


def test_a_model_that_is_not_known(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'resnet19'?" in refused(monkeypatch, capsys, "memory", "--model", "resnet91")
    assert "Missing option '--model'" in refused(monkeypatch, capsys, "memory")
