"""Weights go in whole or not at all."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from spikewright.errors import BadFile, BadModel
from spikewright.models import load_weights


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def save(state: dict[str, torch.Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def same(one: nn.Module, two: nn.Module) -> bool:
    return all(torch.equal(v, two.state_dict()[n]) for n, v in one.state_dict().items())


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.pth"])
def test_every_tensor_comes_back(tmp_path: Path, name: str) -> None:
    source, model = network(1), network(2)
    source(torch.randn(8, 3))  # moves the running statistics
    assert not same(source, model)
    load_weights(model, save(source.state_dict(), tmp_path / name))
    assert same(source, model)


def test_a_training_script_s_nesting_and_an_absent_counter(tmp_path: Path) -> None:
    source, model = network(1), network(2)
    state = {name: value for name, value in source.state_dict().items() if "num_batches" not in name}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "w.pt")
    load_weights(model, str(tmp_path / "w.pt"))
    assert same(source, model)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.weight": None}, "missing 0.weight: give the file"),
        ({"extra": torch.zeros(1)}, "unexpected extra: give the file"),
        ({"0.bias": torch.zeros(5)}, r"wrong shape 0.bias \(file \(5,\), model \(4,\)\)"),
        ({"0.weight": None, "a": torch.zeros(1)}, "missing 0.weight; unexpected a"),
        ({str(k): torch.zeros(1) for k in range(9)}, "unexpected 0, 1, 2 and 6 more"),
        (
            {"1.running_var": torch.tensor([1.0, 1, 1, torch.nan])},
            "parameter '1.running_var' holds NaN or infinity",
        ),
        ({"0.bias": torch.tensor([1.0, 1, 1, torch.inf])}, "parameter '0.bias' holds NaN or infinity"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_model_untouched(
    tmp_path: Path, name: str, change: dict[str, torch.Tensor | None], message: str
) -> None:
    state = {n: v for n, v in (network(1).state_dict() | change).items() if v is not None}
    path = save(state, tmp_path / name)
    model = network(2)
    with pytest.raises(BadModel, match=message) as caught:
        load_weights(model, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert same(model, network(2))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize("saved", [0, 20, -10])
def test_truncated_files_are_refused(tmp_path: Path, name: str, saved: int) -> None:
    path = save(network().state_dict(), tmp_path / name)
    path.write_bytes(path.read_bytes()[:saved])
    with pytest.raises(BadFile, match=f"{name}: not a (whole safetensors file|plain state dict) ") as caught:
        load_weights(network(), path)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"absent.pt: no such file: check the path"):
        load_weights(network(), tmp_path / "absent.pt")
    with pytest.raises(BadFile, match=r"are read from .safetensors, .pt, .pth, .ckpt files: convert '.onnx' to one"):
        load_weights(network(), tmp_path / "w.onnx")
    torch.save(network(), tmp_path / "whole.pt")
    with pytest.raises(BadFile, match=r"holds more than tensors: save it with torch\.save"):
        load_weights(network(), tmp_path / "whole.pt")
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(BadFile, match="holds a list, not a state dict"):
        load_weights(network(), tmp_path / "list.pt")
    torch.save(
        {"0.weight": 3} | {n: v for n, v in network().state_dict().items() if n != "0.weight"},
        tmp_path / "n.pt",
    )
    with pytest.raises(BadModel, match=r"not a tensor 0\.weight"):
        load_weights(network(), tmp_path / "n.pt")


@pytest.mark.parametrize("keys", [("state_dict",), ("model_state_dict",), ("model",), ("net",), ("ema", "module")])
@pytest.mark.parametrize("wrapping", ["", "module.", "model.", "net.", "_orig_mod.", "module._orig_mod."])
def test_checkpoints_and_wrappers_are_looked_through(keys: tuple[str, ...], wrapping: str, tmp_path: Path) -> None:
    content: dict = {wrapping + name: array for name, array in network(1).state_dict().items()}
    for key in reversed(keys):
        content = {key: content, "epoch": 3}
    torch.save(content, tmp_path / "w.ckpt")
    filled = network(0)
    note = load_weights(filled, tmp_path / "w.ckpt")
    assert note is not None
    assert f"the state dict under {'.'.join(map(repr, keys))}" in note
    assert (f"names without {wrapping!r} in front" in note) == bool(wrapping)
    for name, array in network(1).state_dict().items():
        assert torch.equal(filled.state_dict()[name], array)


def test_averaged_models_count_and_plain_files_have_no_note(tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(network(1))
    torch.save(averaged.state_dict(), tmp_path / "a.pt")
    note = load_weights(network(0), tmp_path / "a.pt")
    assert note == f"{tmp_path / 'a.pt'}: read names without 'module.' in front"
    assert load_weights(network(0), save(network(1).state_dict(), tmp_path / "p.safetensors")) is None


def test_names_that_only_some_wrap_are_refused(tmp_path: Path) -> None:
    state = {("" if name.startswith("0") else "module.") + name: v for name, v in network().state_dict().items()}
    torch.save(state, tmp_path / "mixed.pt")
    with pytest.raises(BadModel, match=r"missing 1\.weight.*unexpected module\.1\.weight"):
        load_weights(network(), tmp_path / "mixed.pt")


@pytest.mark.parametrize("content", [{1: torch.zeros(3)}, {"state_dict": {None: torch.zeros(3)}}])
def test_names_that_are_no_text_are_refused(tmp_path: Path, content: dict[object, object]) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(BadFile, match=r"w\.pt: has (1|None) for a name: save model\.state_dict\(\)"):
        load_weights(network(), tmp_path / "w.pt")
