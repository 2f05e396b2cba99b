"""Every verb that makes figures, trains or verifies first looks at what float32 is here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support import trained

from app.cli.running import refused
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.app.runs.train import TrainRequest, run
from spikewright.engines.precision import VARIABLES, require_exact_sums
from spikewright.training.settings import TrainSettings

SEARCH = """
kind = "train"
out = "search"
network = { run = "nowhere" }
space = { timesteps = [2], thresholds = [1.0], bits = [8] }
train = { recipe = "paper1", epochs = 1 }
gates = { accuracy_margin = 1.0, energy_share = 1.0, reliability_margin = 1.0 }
faults = { ber = [1e-2], images = 20 }
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--model", "cnn", "--data", "digits", "--out", "out"),
        ("convert", "nowhere", "--out", "out"),
        ("verify", "nowhere"),
        ("evaluate", "nowhere"),
        ("compare", "nowhere"),
        ("inject", "nowhere", "--ber", "1e-2"),
        ("search", "--config", "search.toml"),
        ("bench", "nowhere"),
    ],
)
def test_a_verb_is_refused_before_it_reads_or_writes(arguments, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "search.toml").write_text(SEARCH)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLES[0], "BF16")
    assert f": unset {VARIABLES[0]}" in refused(monkeypatch, capsys, *arguments)
    assert [found.name for found in tmp_path.iterdir()] == ["search.toml"]


def test_the_demo_is_refused_in_a_process_that_was_started_so(tmp_path: Path) -> None:
    code = "from spikewright.app.cli.main import main; main()"
    left = subprocess.run(
        [sys.executable, "-c", code, "demo", "--out", str(tmp_path / "demo")],
        env={**os.environ, VARIABLES[0]: "BF16"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert left.returncode == 2
    assert left.stderr.splitlines() == [
        f"spikewright: {VARIABLES[0]}=BF16 lets processors compute float32 products with fewer bits, which changes "
        f"figures without a word: unset {VARIABLES[0]}"
    ]
    assert not (tmp_path / "demo").exists()


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_a_verb_convolves_directly_where_there_is_no_onednn() -> None:
    before = torch._C._get_nnpack_enabled()
    torch.backends.nnpack.set_flags(True)
    try:
        with torch.backends.mkldnn.flags(enabled=False):
            settle_arithmetic()
            require_exact_sums()
    finally:
        torch.backends.nnpack.set_flags(before)


def test_training_in_mixed_precision_is_another_thing(tmp_path: Path) -> None:
    settings = TrainSettings(epochs=1, learning_rate=0.01, precision="bf16-mixed", device="cpu")
    request = TrainRequest(out=tmp_path / "mixed", start=trained.run_folder(tmp_path / "run"), settings=settings)
    assert run(request).report.accuracy_test > 0.5
    settle_arithmetic()
