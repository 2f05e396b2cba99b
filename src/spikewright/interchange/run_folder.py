"""A run folder: JSON for structure, safetensors for numbers, nothing that could run code.

    source.json, source.safetensors    the captured network, batch norm unfolded, with its input preparation
    plan.json,   weights.safetensors   the spiking network's blueprint; weights of b bits are packed into bytes

The files of a run come into their places together (`placing.py`) and are tied by a fingerprint (`fingerprint.py`). The
formats carry a version. Knows nothing about how networks are trained or converted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save as safetensors
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.data.files import json_bytes
from spikewright.data.json_file import read_json
from spikewright.errors import BadFile
from spikewright.interchange import plan_formats, source_formats
from spikewright.interchange.array_file import read_arrays, require_arrays
from spikewright.interchange.claim import claimed
from spikewright.interchange.fingerprint import FIELD, fingerprint_of, mark_of, require_tied
from spikewright.interchange.placing import Content, has_file, place, stamp, where
from spikewright.interchange.source_formats import SourceFile
from spikewright.interchange.source_graph import require_graph
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.packing import pack, require_packed, unpack
from spikewright.snn.plan import Plan

if TYPE_CHECKING:
    from spikewright.engines.packed.network import PackedNetwork

SOURCE_FORMAT = max(source_formats.KINDS)
PLAN_FORMAT = plan_formats.NEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanFile:
    format: int
    plan: Plan
    about: dict[str, Any]
    packed: dict[str, tuple[int, ...]] = field(default_factory=dict)  # shapes of the arrays that are packed


def save_run(
    folder: Path,
    *,
    source: Source | None = None,
    blueprint: Blueprint | None = None,
    about: dict[str, Any],
    discard: Sequence[str] = (),
) -> None:
    """Put a run in place of the one that `folder` holds, whole. The folder must be this command's alone (`claimed`).

    Args:
        folder: made if need be.
        source: the source network, if it has one.
        blueprint: the spiking network, if it has one.
        about: what is known of it.
        discard: names of folders in it which belong to the run before, and go with that.

    Raises:
        BadFile: it cannot be written; what was there before is whole.
    """
    parts: dict[str, _Part] = {}
    if source is not None:
        parts["source"] = _source_part(source, about)
    if blueprint is not None:
        parts["plan"] = _blueprint_part(blueprint, about)
    place(folder, _files(parts, fingerprint_of(parts)), discard=discard)


def save_source(folder: Path, source: Source, *, about: dict[str, Any]) -> None:
    """Write a source and what is known of it into `folder`, which is made if need be; a blueprint there stays."""
    _save_part(folder, "source", _source_part(source, about), beside=("plan.json", "weights.safetensors"))


def save_blueprint(folder: Path, blueprint: Blueprint, *, about: dict[str, Any]) -> None:
    """Write a blueprint and what is known of it into `folder`; a source there stays, and is taken for its source."""
    _save_part(folder, "plan", _blueprint_part(blueprint, about), beside=("source.json", "source.safetensors"))


def load_source(folder: Path) -> tuple[Source, dict[str, Any]]:
    """Read a source back.

    Raises:
        BadFile: the folder or a file is missing, truncated, or not in this format.
    """
    content, arrays = _read(folder, "source.json", "source.safetensors", SourceFile)
    needed = {name for node in content.nodes for _, name in node.arrays}
    _complete(folder / "source.safetensors", needed, arrays)
    source = content.source(arrays)
    require_graph(folder / "source.json", source)
    return source, content.about


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


def read_about(folder: Path) -> dict[str, Any] | None:
    """What a run folder says of itself, without reading its arrays; None: it holds no run.

    Raises:
        BadFile: what it holds cannot be read.
    """
    for name, kind in (("plan.json", _PlanFile), ("source.json", SourceFile)):
        if has_file(folder, name):
            return _content(where(folder, name), kind).about
    return None


def load_packed(folder: Path) -> "tuple[PackedNetwork, dict[str, Any]]":
    """Read a directly trained network for the packed engine: its stored weights are never unpacked as a whole.

    Raises:
        BadFile: the folder or a file is missing, truncated, or not in this format.
        BadPlan: the plan breaks a rule of its own, or is not one that the packed engine runs.
    """
    from spikewright.engines.packed.network import PackedNetwork  # noqa: PLC0415 - brings Numba

    content, arrays = _read(folder, "plan.json", "weights.safetensors", _PlanFile)
    bits = _stored_bits(content.plan)
    octets = {name: arrays.pop(name) for name in bits if name in arrays}
    for name, found in octets.items():
        require_packed(found, bits[name], _packed_shape(folder, content, name))
    # one number, seen as a whole weight, is all that the checks of shapes and values need
    one = torch.ones((), dtype=torch.int8)
    stand_ins = {name: one.expand(content.packed[name]) for name in octets}
    shared = any(node.shares is not None for node in content.plan.nodes)
    return PackedNetwork(
        Blueprint(content.plan, {**arrays, **stand_ins}), packed=octets.__getitem__ if shared else octets.pop
    ), content.about


def _packed_shape(folder: Path, content: _PlanFile, name: str) -> tuple[int, ...]:
    if name not in content.packed:
        raise BadFile(f"{folder / 'plan.json'} does not say what shape the packed array {name!r} has")
    return content.packed[name]


def _stored_bits(plan: Plan) -> dict[str, int]:
    """The arrays that are stored in so many bits an element; a shared weight only under its owner's name."""
    nodes = [node for node in plan.nodes if node.shares is None]
    return {f"{node.name}.weight": node.weights.bits for node in nodes if node.weights is not None}


_Part = tuple[dict[str, Any], Mapping[str, Tensor]]  # what the JSON says, and the arrays
_TENSORS = {"source": "source.safetensors", "plan": "weights.safetensors"}
_TRIES = 5


def _source_part(source: Source, about: dict[str, Any]) -> _Part:
    content = source_formats.content_of(source, about)
    return TypeAdapter(type(content)).dump_python(content, mode="json"), source.arrays


def _blueprint_part(blueprint: Blueprint, about: dict[str, Any]) -> _Part:
    bits = _stored_bits(blueprint.plan)
    own = blueprint.stored_arrays
    arrays = {name: pack(array, bits[name]) if name in bits else array for name, array in own.items()}
    packed = {name: tuple(blueprint.arrays[name].shape) for name in bits}
    content = _PlanFile(format=PLAN_FORMAT, plan=blueprint.plan, about=about, packed=packed)
    return plan_formats.in_oldest(TypeAdapter(_PlanFile).dump_python(content, mode="json")), arrays


def _files(parts: Mapping[str, _Part], fingerprint: str) -> dict[str, Content]:
    found: dict[str, Content] = {}
    for stem, (content, arrays) in parts.items():
        mark = {FIELD: fingerprint}
        found[_TENSORS[stem]] = partial(_tensors, arrays, mark)
        found[f"{stem}.json"] = partial(json_bytes, {**content, **mark})
    return found


def _tensors(arrays: Mapping[str, Tensor], mark: dict[str, str]) -> bytes:
    return safetensors({name: array.detach().cpu().contiguous().clone() for name, array in arrays.items()}, mark)


def _save_part(folder: Path, stem: str, part: _Part, *, beside: tuple[str, str]) -> None:
    """One half of a run; it gets the fingerprint of the other half, if that is there."""
    with claimed(folder):
        others = [name for name in beside if has_file(folder, name)]
        marks = [mark for name in others if (mark := mark_of(folder, name)) is not None]
        place(folder, _files({stem: part}, marks[0] if marks else fingerprint_of({stem: part})), carry=others)


def _read(folder: Path, structure: str, tensors: str, kind: type[Any]) -> tuple[Any, dict[str, Tensor]]:
    """A JSON file and its arrays, both of one run, though another command may put a run in place meanwhile."""
    for _ in range(_TRIES - 1):
        before = stamp(folder)
        try:
            found = _read_once(folder, structure, tensors, kind)
        except BadFile:
            if stamp(folder) == before:
                raise
        else:
            if stamp(folder) == before:
                return found
    return _read_once(folder, structure, tensors, kind)


def _read_once(folder: Path, structure: str, tensors: str, kind: type[Any]) -> tuple[Any, dict[str, Tensor]]:
    _require_files(folder, structure, tensors)
    content = _content(where(folder, structure), kind)
    arrays = read_arrays(where(folder, tensors))
    require_arrays(folder / tensors, arrays, packed=_stored_bits(content.plan) if kind is _PlanFile else ())
    require_tied(folder)
    return content, arrays


def _require_files(folder: Path, structure: str, tensors: str) -> None:
    if not folder.is_dir():
        raise BadFile(f"no run folder at {folder}: give the folder that `--out` made")
    if not any(has_file(folder, name) for name in _WAY_OUT):
        raise BadFile(f"{folder} is not a run folder (no source.json, no plan.json): give the folder that `--out` made")
    if structure == "source.json" and not has_file(folder, structure):
        raise BadFile(
            f"{folder} holds a spiking network and no source.json: it was trained directly, so there is nothing to "
            "convert or to compare it with; evaluate it"
        )
    for name in (structure, tensors):
        if not has_file(folder, name):
            raise BadFile(f"{folder} holds no {name}: {_WAY_OUT[structure]}")


def _content(path: Path, kind: type[Any]) -> Any:
    """What the JSON says, in the newest format."""
    raw = read_json(path, way_out="it is truncated or was edited; make the run again")
    version = raw.get("format") if isinstance(raw, dict) else None
    newest = SOURCE_FORMAT if kind is SourceFile else PLAN_FORMAT
    if kind is _PlanFile and isinstance(raw, dict):
        raw = plan_formats.in_newest(raw)
        version = raw.get("format")
    read = source_formats.KINDS if kind is SourceFile else (PLAN_FORMAT, plan_formats.WITH_IDS)
    if not isinstance(version, int) or version not in read:
        raise BadFile(
            f"{path} has format {version!r}, this version reads {newest}: make the run again with this version"
        )
    kind = source_formats.KINDS[version] if kind is SourceFile else kind
    try:
        return TypeAdapter(kind).validate_python(raw, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadFile(f"{path}: {place}: {first['msg']}: the file was edited or comes from another version") from None


_WAY_OUT = {
    "source.json": "train or convert a model with `--out` first",
    "plan.json": "this run is a source network; run `spikewright convert` on it first",
}


def _complete(path: Path, needed: set[str], arrays: Mapping[str, Tensor]) -> None:
    missing = sorted(needed - set(arrays))
    if missing:
        raise BadFile(f"{path} lacks array {missing[0]!r} ({len(missing)} in all): make the run again")
