"""Run folders of networks whose weights are stored in few bits: to the byte, back to the code, and damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from support.converted import captured
from support.direct import case
from support.old_plans import as_format

from spikewright.engines.network import build
from spikewright.errors import BadFile, BadPlan
from spikewright.interchange import run_folder as folder
from spikewright.measure.cost.memory import memory_bytes
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.packing import packed_size
from spikewright.snn.formats.uniform import Uniform
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings

NEURONS = NeuronSettings(leak=0.5, reset="hard", membrane_bits=2)
SMALL = SpikingSettings(timesteps=2, neurons=NEURONS, weights=Binary(), edge_weights=Uniform(bits=8))
MIXED = SpikingSettings(timesteps=2, encoding="rate", weights=Uniform(bits=5, per_channel=True))
ODD = SpikingSettings(timesteps=2, weights=Uniform(bits=11), edge_weights=Uniform(bits=3))
ONES = SpikingSettings(timesteps=2, weights=Binary(scale="power_of_two"), edge_weights=Binary(), biases=False)
FULL = SpikingSettings(timesteps=2)
WAYS = {"1w-2u": SMALL, "mixed": MIXED, "odd": ODD, "ones": ONES, "full": FULL}
MODELS = ["conv_bn_relu", "bn_after_max_pool", "resnet", "mlp_batch_norm", "mobilenet_v2", "densenet"]


def trained(name: str, settings: SpikingSettings) -> tuple[Blueprint, torch.Tensor]:
    source, x, _ = captured(name)
    x = x.abs().clamp(max=1.0)
    return case(source, settings, x).network.freeze(), x


def bytes_of(path: Path) -> int:
    """What the arrays of a file take, by its own header: the last one's end."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    assert len(content) == 8 + int.from_bytes(content[:8], "little") + max(ends)
    return max(ends)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_the_file_is_as_large_as_the_memory_says(name: str, way: str, tmp_path: Path) -> None:
    blueprint, x = trained(name, WAYS[way])
    folder.save_blueprint(tmp_path, blueprint, about={})
    memory = memory_bytes(blueprint)
    assert bytes_of(tmp_path / "weights.safetensors") == memory.artefact_bytes
    # by hand: each layer's own bits, rounded up to a byte
    weights = 0
    for node in blueprint.plan.nodes:
        array = blueprint.array(node, "weight")
        if array is not None:
            weights += packed_size(array.numel(), node.weights.bits) if node.weights else 4 * array.numel()
    assert memory.weight_bytes == weights
    loaded, _ = folder.load_blueprint(tmp_path)
    assert loaded.plan == blueprint.plan
    assert loaded.arrays.keys() == blueprint.arrays.keys()
    for key, array in blueprint.arrays.items():
        assert loaded.arrays[key].dtype == array.dtype, key
        assert torch.equal(loaded.arrays[key], array), key
    assert memory_bytes(loaded) == memory
    for one, two in zip(build(blueprint).walk(x), build(loaded).walk(x), strict=True):
        assert torch.equal(one.codes, two.codes)


def test_one_bit_weights_take_one_bit_and_two_bit_membranes_two(tmp_path: Path) -> None:
    """conv_bn_relu: 3→4 and 4→6 channels of 3x3, then 54→5; neurons 4x8x8 and 6x3x3."""
    blueprint, _ = trained("conv_bn_relu", SMALL)
    memory = memory_bytes(blueprint)
    assert memory.weight_bytes == 4 * 27 + (6 * 36) // 8 + 54 * 5
    assert memory.gain_bytes == 4 * (4 + 6 + 5)
    assert memory.bias_bytes == 4 * (4 + 6 + 5)
    assert memory.constant_bytes == 4 * 3 * 2
    assert memory.membrane_bytes_peak == 256 * 2 // 8
    assert memory.membrane_bytes_all == -(-(256 + 54) * 2 // 8)
    folder.save_blueprint(tmp_path, blueprint, about={})
    packed = load_file(tmp_path / "weights.safetensors")
    name = next(node.name for node in blueprint.plan.nodes if node.weights == Binary())
    signs = blueprint.arrays[f"{name}.weight"].flatten().tolist()
    words = packed[f"{name}.weight"].tolist()
    assert [1 if words[i // 8] >> i % 8 & 1 else -1 for i in range(len(signs))] == signs
    assert 0.2 < sum(sign > 0 for sign in signs) / len(signs) < 0.8


# Damage -------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder.save_blueprint(tmp_path, trained("conv_bn_relu", SMALL)[0], about={})
    return tmp_path


def _refused(path: Path) -> str:
    with pytest.raises((BadFile, BadPlan)) as caught:
        folder.load_blueprint(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _edit(path: Path, change) -> None:
    content = json.loads((path / "plan.json").read_text())
    change(content)
    (path / "plan.json").write_text(json.dumps(content))


def _stored(content: dict[str, Any]) -> dict[str, Any]:
    return next(node for node in content["plan"]["nodes"] if node["weights"] and node["weights"]["kind"] == "binary")


@pytest.mark.parametrize("damage", ["short", "long", "float", "flat", "missing", "no gain", "spare bits"])
def test_damaged_weights(run: Path, damage: str) -> None:
    arrays = load_file(run / "weights.safetensors")
    content = json.loads((run / "plan.json").read_text())
    name = f"{_stored(content)['name']}.weight"
    packed = arrays[name]
    if damage == "missing":
        del arrays[name]
    elif damage == "no gain":
        del arrays[name.replace(".weight", ".gain")]
    elif damage == "spare bits":
        content["packed"][name] = [5, 43]  # 215 bits in 27 bytes: the last bit is one too many
        packed[-1] = 255
        (run / "plan.json").write_text(json.dumps(content))
    else:
        arrays[name] = {
            "short": packed[:-1].clone(),
            "long": torch.cat([packed, packed[:1]]),
            "float": packed.float(),
            "flat": packed.reshape(3, 9),
        }[damage]
    save_file(arrays, run / "weights.safetensors")
    words = {"missing": name, "no gain": ".gain", "spare bits": "bits are set after the last element"}
    assert words.get(damage, "packed weights") in _refused(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(packed={}),
        lambda c: c.update(packed=None),
        lambda c: c["packed"].update({f"{_stored(c)['name']}.weight": [-6, -36]}),
        lambda c: c["packed"].update({f"{_stored(c)['name']}.weight": [6, 4, 3]}),
        lambda c: c["packed"].update({f"{_stored(c)['name']}.weight": [36, 6]}),
        lambda c: c["packed"].update({f"{_stored(c)['name']}.weight": ["x"]}),
        lambda c: _stored(c).update(weights={"kind": "uniform", "bits": 4}),
        lambda c: _stored(c).update(weights={"kind": "uniform", "bits": 1}),
        lambda c: _stored(c).update(weights={"kind": "uniform", "bits": 17}),
        lambda c: _stored(c).update(weights={"kind": "ternary"}),
        lambda c: _stored(c).update(weights=None),
        lambda c: _stored(c)["firing"]["law"].update(leak=1.5),
        lambda c: _stored(c)["firing"]["law"].update(reset="later"),
        lambda c: _stored(c)["firing"]["law"]["membrane"].update(bits=1),
        lambda c: _stored(c)["firing"]["law"]["membrane"].update(scale=0.0),
        lambda c: _stored(c)["firing"]["code"].update(step_weights=[1, 1, 1]),
        lambda c: c["plan"]["inputs"][0]["encoder"].update(timesteps=3),
        lambda c: c["plan"]["inputs"][0]["encoder"].update(timesteps=0),
        lambda c: c["plan"]["inputs"][0]["encoder"].update(kind="graded"),
        lambda c: c["plan"]["inputs"][0]["encoder"].update(kind="morse"),
        lambda c: next(n for n in c["plan"]["nodes"] if n["op"]["kind"] == "reshape").update(
            weights={"kind": "binary"}
        ),
    ],
)
def test_an_edited_plan(run: Path, change) -> None:
    _edit(run, change)
    _refused(run)


def _places(content: Any, path: tuple = ()) -> list[tuple]:
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [place for key, value in pairs for place in [(*path, key), *_places(value, (*path, key))]]


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("edited")
    folder.save_blueprint(path, trained("bn_after_max_pool", SMALL)[0], about={})
    (path / "plan.json").rename(path / "whole.json")
    return path


@given(data=st.data())
def test_any_edit_is_refused_in_one_line_or_runs(edited: Path, data: st.DataObject) -> None:
    content = json.loads((edited / "whole.json").read_text())
    place = data.draw(st.sampled_from(_places(content)))
    value = data.draw(st.sampled_from([None, 0, -1, 2, 3, 1.5, "x", "input", [], [0], [1, 1], [-1, -1], {}, True]))
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    (edited / "plan.json").write_text(json.dumps(content))
    try:
        loaded, _ = folder.load_blueprint(edited)
    except (BadFile, BadPlan) as error:
        assert "\n" not in str(error)
        return
    with torch.no_grad():
        build(loaded)(torch.zeros(1, *loaded.plan.sample_shape))


@pytest.mark.parametrize("version", [1, 2])
def test_plans_from_before_weights_were_packed_are_read(version: int, tmp_path: Path) -> None:
    blueprint, x = trained("conv_bn_relu", FULL)
    folder.save_blueprint(tmp_path, blueprint, about={"seed": 1})

    _edit(tmp_path, lambda content: as_format(content, version))
    loaded, about = folder.load_blueprint(tmp_path)
    assert loaded.plan == blueprint.plan and about == {"seed": 1}
    assert torch.equal(build(loaded)(x), build(blueprint)(x))
