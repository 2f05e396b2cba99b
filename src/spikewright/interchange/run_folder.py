"""A run folder: JSON for structure, safetensors for numbers, nothing that could run code.

    source.json, source.safetensors    the captured network, batch norm unfolded, with its input preparation
    plan.json,   weights.safetensors   the spiking network's blueprint; weights of b bits are packed into bytes

Every file is written to a temporary name and renamed, so a folder never holds half a file. The formats carry
a version. Knows nothing about how networks are trained or converted.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save_file
from torch import Tensor

from spikewright.ann.source import Source, SourceNode
from spikewright.data.files import write_json
from spikewright.data.json_file import read_json
from spikewright.data.preparation import InputPreparation
from spikewright.engines.packed.network import PackedNetwork
from spikewright.errors import BadFile
from spikewright.interchange.array_file import read_arrays, require_arrays
from spikewright.interchange.source_graph import require_graph
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.packing import pack, require_packed, unpack
from spikewright.snn.plan import Plan

SOURCE_FORMAT = 1
PLAN_FORMAT = 3  # 2 knew no packed weights, 1 had names in place of edges; both are read still


@dataclass(frozen=True, slots=True, kw_only=True)
class _SourceFile:
    format: int
    input_shape: tuple[int, ...]
    nodes: tuple[SourceNode, ...]
    preparation: InputPreparation | None
    about: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanFile:
    format: int
    plan: Plan
    about: dict[str, Any]
    packed: dict[str, tuple[int, ...]] = field(default_factory=dict)  # shapes of the arrays that are packed


def save_source(folder: Path, source: Source, *, about: dict[str, Any]) -> None:
    """Write a source and what is known of it into `folder`, which is made if need be."""
    content = _SourceFile(
        format=SOURCE_FORMAT,
        input_shape=source.input_shape,
        nodes=source.nodes,
        preparation=source.preparation,
        about=about,
    )
    _write(folder, "source", _SourceFile, content, source.arrays)


def load_source(folder: Path) -> tuple[Source, dict[str, Any]]:
    """Read a source back.

    Raises:
        BadFile: the folder or a file is missing, truncated, or not in this format.
    """
    content, arrays = _read(folder, "source.json", "source.safetensors", _SourceFile)
    needed = {name for node in content.nodes for _, name in node.arrays}
    _complete(folder / "source.safetensors", needed, arrays)
    source = Source(content.input_shape, content.nodes, arrays, content.preparation)
    require_graph(folder / "source.json", source)
    return source, content.about


def save_blueprint(folder: Path, blueprint: Blueprint, *, about: dict[str, Any]) -> None:
    """Write a blueprint and what is known of it into `folder`."""
    bits = _stored_bits(blueprint.plan)
    arrays = {name: pack(array, bits[name]) if name in bits else array for name, array in blueprint.arrays.items()}
    packed = {name: tuple(blueprint.arrays[name].shape) for name in bits}
    content = _PlanFile(format=PLAN_FORMAT, plan=blueprint.plan, about=about, packed=packed)
    _write(folder, "plan", _PlanFile, content, arrays)


def load_blueprint(folder: Path) -> tuple[Blueprint, dict[str, Any]]:
    """Read a blueprint back; it runs without its source.

    Raises:
        BadFile: the folder or a file is missing, truncated, or not in this format.
        BadPlan: the plan breaks a rule of its own.
    """
    content, arrays = _read(folder, "plan.json", "weights.safetensors", _PlanFile)
    for name, bits in _stored_bits(content.plan).items():
        if name in arrays:
            arrays[name] = unpack(arrays[name], bits, _packed_shape(folder, content, name))
    return Blueprint(content.plan, arrays), content.about


def load_packed(folder: Path) -> tuple[PackedNetwork, dict[str, Any]]:
    """Read a directly trained network for the packed engine: its stored weights are never unpacked as a whole.

    Raises:
        BadFile: the folder or a file is missing, truncated, or not in this format.
        BadPlan: the plan breaks a rule of its own, or is not one that the packed engine runs.
    """
    content, arrays = _read(folder, "plan.json", "weights.safetensors", _PlanFile)
    bits = _stored_bits(content.plan)
    octets = {name: arrays.pop(name) for name in bits if name in arrays}
    for name, found in octets.items():
        require_packed(found, bits[name], _packed_shape(folder, content, name))
    # one number, seen as a whole weight, is all that the checks of shapes and values need
    one = torch.ones((), dtype=torch.int8)
    stand_ins = {name: one.expand(content.packed[name]) for name in octets}
    return PackedNetwork(Blueprint(content.plan, {**arrays, **stand_ins}), packed=octets.pop), content.about


def _packed_shape(folder: Path, content: _PlanFile, name: str) -> tuple[int, ...]:
    if name not in content.packed:
        raise BadFile(f"{folder / 'plan.json'} does not say what shape the packed array {name!r} has")
    return content.packed[name]


def _stored_bits(plan: Plan) -> dict[str, int]:
    """The arrays that are stored in so many bits an element."""
    return {f"{node.name}.weight": node.weights.bits for node in plan.nodes if node.weights is not None}


def _write(folder: Path, stem: str, kind: type[Any], content: Any, arrays: Mapping[str, Tensor]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = folder / ("source.safetensors" if stem == "source" else "weights.safetensors")
    temporary = tensors.with_name(tensors.name + ".part")
    save_file({name: array.detach().cpu().contiguous().clone() for name, array in arrays.items()}, temporary)
    os.replace(temporary, tensors)  # noqa: PTH105
    write_json(folder / f"{stem}.json", TypeAdapter(kind).dump_python(content, mode="json"))


def _read(folder: Path, structure: str, tensors: str, kind: type[Any]) -> tuple[Any, dict[str, Tensor]]:
    _require_files(folder, structure, tensors)
    content = _content(folder / structure, kind)
    arrays = read_arrays(folder / tensors)
    require_arrays(folder / tensors, arrays, packed=_stored_bits(content.plan) if kind is _PlanFile else ())
    return content, arrays


def _require_files(folder: Path, structure: str, tensors: str) -> None:
    if not folder.is_dir():
        raise BadFile(f"no run folder at {folder}: give the folder that `--out` made")
    if not any((folder / name).is_file() for name in _WAY_OUT):
        raise BadFile(f"{folder} is not a run folder (no source.json, no plan.json): give the folder that `--out` made")
    if structure == "source.json" and not (folder / structure).is_file():
        raise BadFile(
            f"{folder} holds a spiking network and no source.json: it was trained directly, so there is nothing to "
            "convert or to compare it with; evaluate it"
        )
    for name in (structure, tensors):
        if not (folder / name).is_file():
            raise BadFile(f"{folder} holds no {name}: {_WAY_OUT[structure]}")


def _content(path: Path, kind: type[Any]) -> Any:
    """What the JSON says, in the newest format."""
    raw = read_json(path, way_out="it is truncated or was edited; make the run again")
    version = raw.get("format") if isinstance(raw, dict) else None
    newest = SOURCE_FORMAT if kind is _SourceFile else PLAN_FORMAT
    if kind is _PlanFile and version in (1, 2):
        raw, version = (_with_edges(raw) if version == 1 else raw), newest
    if version != newest:
        raise BadFile(
            f"{path} has format {version!r}, this version reads {newest}: make the run again with this version"
        )
    try:
        return TypeAdapter(kind).validate_python(raw, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadFile(f"{path}: {place}: {first['msg']}: the file was edited or comes from another version") from None


def _with_edges(raw: dict[str, Any]) -> dict[str, Any]:
    """A plan of format 1, whose nodes name their inputs, in format 2."""
    plan = raw.get("plan")
    if not isinstance(plan, dict):
        return raw
    nodes = plan.get("nodes")
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        return raw
    edged = [
        {
            **{key: value for key, value in node.items() if key != "inputs"},
            "edges": [{"source": name} for name in node["inputs"]],
        }
        if isinstance(node.get("inputs"), list)
        else node
        for node in nodes
    ]
    return {**raw, "format": PLAN_FORMAT, "plan": {**plan, "nodes": edged}}


_WAY_OUT = {
    "source.json": "train or convert a model with `--out` first",
    "plan.json": "this run is a source network; run `spikewright convert` on it first",
}


def _complete(path: Path, needed: set[str], arrays: Mapping[str, Tensor]) -> None:
    missing = sorted(needed - set(arrays))
    if missing:
        raise BadFile(f"{path} lacks array {missing[0]!r} ({len(missing)} in all): make the run again")
