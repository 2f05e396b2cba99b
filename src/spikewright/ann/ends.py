"""The ends of a network: what goes in and what comes out, each by its name.

An input is a tensor [N, *shape] of real numbers, or of ids into a table: each id stands for a one among zeros, so that
a look-up is a matrix product, [N, *shape] → [N, *shape, ids]. Several tensors that share their batch are a `Named`.
Knows nothing about what is between the ends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from spikewright.errors import BadData

INPUT = "input"  # the name of a network's only input
OUTPUT = "output"  # the name of a network's only output

Shape = tuple[int, ...]


class End(Protocol):
    """An input of a source or of a plan."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def ids(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInput:
    """One input of a source.

    Attributes:
        shape: of one sample.
        ids: None for real numbers; else it takes ids from 0 to `ids` − 1.
    """

    name: str = INPUT
    shape: Shape
    ids: int | None = None

    @property
    def value_shape(self) -> Shape:
        """The shape of one sample's value, as nodes read it."""
        return value_shape(self.shape, self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOutput:
    """One output of a source: the value of a node."""

    name: str = OUTPUT
    node: str


def value_shape(shape: Shape, ids: int | None) -> Shape:
    """The shape of what nodes read of an input of that shape."""
    return tuple(shape) if ids is None else (*shape, ids)


class Named:
    """Tensors by name that share their batch: it is split, joined, sliced and cast as one; ids stay whole numbers."""

    __slots__ = ("tensors",)

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def __getitem__(self, rows: Any) -> "Named":
        return Named({name: tensor[rows] for name, tensor in self.tensors.items()})

    def split(self, size: int) -> "list[Named]":
        """Parts of so many samples."""
        parts = [tensor.split(size) for tensor in self.tensors.values()]
        return [Named(dict(zip(self.tensors, part, strict=True))) for part in zip(*parts, strict=True)]

    def to(self, *places: Any) -> "Named":
        """As `Tensor.to`: to devices and dtypes, of which ids and other whole numbers take no dtype."""
        elsewhere = [place for place in places if not isinstance(place, torch.dtype) and place is not None]

        def moved(tensor: Tensor) -> Tensor:
            for place in places if tensor.is_floating_point() else elsewhere:
                tensor = tensor if place is None else tensor.to(place)
            return tensor

        return Named({name: moved(tensor) for name, tensor in self.tensors.items()})

    def double(self) -> "Named":
        """Real numbers in float64."""
        return self.to(torch.float64)

    def float(self) -> "Named":
        """Real numbers in float32."""
        return self.to(torch.float32)


Batch = Tensor | Named
"""Inputs [N, *], or outputs: a tensor where there is one, else all by name."""


def tensors_of(batch: Batch) -> tuple[Tensor, ...]:
    """The tensors of a batch."""
    return (batch,) if isinstance(batch, Tensor) else tuple(batch.tensors.values())


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches of one kind as one."""
    first = batches[0]
    if isinstance(first, Tensor):
        return torch.cat([batch for batch in batches if isinstance(batch, Tensor)])
    several = [batch for batch in batches if isinstance(batch, Named)]
    return Named({name: torch.cat([batch.tensors[name] for batch in several]) for name in first.tensors})


def is_finite(batch: Batch) -> bool:
    """Whether no tensor holds NaN or an infinity."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors_of(batch))


def in_type(batch: Batch, dtype: torch.dtype) -> Batch:
    """Real numbers in that type; ids as they are."""
    if isinstance(batch, Tensor) and not batch.is_floating_point():
        return batch
    return batch.to(dtype)


def real(inputs: Sequence[End], batch: Batch) -> Batch:
    """A batch in which whole numbers that no table reads are float32, as images of integers are."""

    def of(each: End, tensor: Tensor) -> Tensor:
        return tensor if each.ids is not None or tensor.is_floating_point() else tensor.float()

    if isinstance(batch, Tensor):
        return of(inputs[0], batch)
    return Named({each.name: of(each, batch.tensors[each.name]) for each in inputs})


def moved(batch: Batch, place: torch.device | None, dtype: torch.dtype) -> Batch:
    """A batch on a device, real numbers in that type."""
    found = in_type(batch, dtype)
    return found if place is None else found.to(place)


def output_named(outputs: Batch, name: str | None) -> Tensor:
    """One output by its name; a single one whatever its name."""
    return outputs if isinstance(outputs, Tensor) else outputs.tensors[name or next(iter(outputs.tensors))]


def one_row(batch: Batch) -> Tensor:
    """All outputs of each sample in one row, [N, *]; a single tensor as it is."""
    if isinstance(batch, Tensor):
        return batch
    return torch.cat([tensor.flatten(1) for tensor in batch.tensors.values()], 1)


def gathered_inputs(names: Sequence[str], given: Any, what: str) -> Batch:
    """What a user hands in for a network of inputs with these names: by position, or by keyword.

    Raises:
        BadData: others than the network takes; the line begins with `what`.
    """
    if isinstance(given, Named):
        given = given.tensors
    found: dict[Any, Any]
    if isinstance(given, Mapping):
        found = {str(name): value for name, value in given.items()}
    elif isinstance(given, tuple | list):
        found = dict(zip(names, given, strict=False)) if len(given) == len(names) else dict(enumerate(given))
    else:
        found = {names[0]: given} if len(names) == 1 else {type(given).__name__: given}
    if len(names) == 1 and len(found) == 1:
        found = {names[0]: next(iter(found.values()))}
    if set(found) != set(names):
        wanted = ", ".join(names)
        come = ", ".join(map(str, found)) or "nothing"
        raise BadData(
            f"{what}: the network takes {len(names)} inputs ({wanted}), got {come}: give a tuple or a dict of them"
            if len(names) > 1
            else f"{what}: the network takes one tensor, got {len(found)} ({come}): give that alone"
        )
    for name, value in found.items():
        if not isinstance(value, Tensor) and not hasattr(value, "__array__"):
            raise BadData(
                f"{what}: the network takes a tensor [N, *sample_shape] for {name!r}, got {type(value).__name__}: "
                "torch.as_tensor(x)"
            )
    tensors = {name: torch.as_tensor(found[name]) for name in names}
    if len(names) == 1:
        return tensors[names[0]]
    if len({len(tensor) if tensor.dim() else -1 for tensor in tensors.values()}) > 1:
        sizes = ", ".join(f"{name!r} {tuple(tensor.shape)}" for name, tensor in tensors.items())
        raise BadData(f"{what}: the inputs are of different batches: {sizes}: give as many samples of each")
    return Named(tensors)


def by_name(names: Iterable[str], batch: Batch) -> dict[str, Tensor]:
    """The tensors of a batch by the names of a network's inputs."""
    return {next(iter(names)): batch} if isinstance(batch, Tensor) else batch.tensors


def values_at_start(inputs: Sequence[End], batch: Batch, dtype: torch.dtype) -> dict[str, Tensor]:
    """What nodes read of each input, [N, *value_shape]: real numbers as they are, ids in that type.

    Raises:
        BadData: an id that is not in its table, or no whole numbers where ids are taken.
    """
    given = by_name([each.name for each in inputs], batch)
    return {
        each.name: given[each.name] if each.ids is None else one_of(given[each.name], each.ids, dtype, each.name)
        for each in inputs
    }


def one_of(ids: Tensor, count: int, dtype: torch.dtype, name: str = INPUT) -> Tensor:
    """Ids [N, *] as ones among zeros, [N, *, count].

    Raises:
        BadData: an id below 0 or from `count` on, or no whole numbers.
    """
    if ids.is_floating_point() or ids.dtype == torch.bool:
        raise BadData(f"input {name!r} takes ids, whole numbers from 0 to {count - 1}, got {ids.dtype}: give x.long()")
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < count:
        wrong = int(ids[(ids < 0) | (ids >= count)][0])
        raise BadData(
            f"input {name!r}: id {wrong} is outside its table of {count} rows, 0 to {count - 1}: give ids of that table"
        )
    made = torch.zeros((*ids.shape, count), dtype=dtype, device=ids.device)
    return made.scatter_(-1, ids.long().unsqueeze(-1), 1)


def arranged(outputs: Batch) -> Any:
    """Outputs as the model gave them: a tensor; by position a tuple, by name a dict, one within another where dotted.

    A position that held no tensor is None.
    """
    if isinstance(outputs, Tensor):
        return outputs
    tree: dict[str, Any] = {}
    for name, tensor in outputs.tensors.items():
        *path, last = name.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = tensor
    return _made_of(tree)


def _made_of(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if all(part.isdecimal() for part in tree):
        return tuple(_made_of(tree.get(str(place))) for place in range(max(map(int, tree)) + 1))
    return {name: _made_of(part) for name, part in tree.items()}


def named_leaves(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor of what a model returns, by key, field or position, dotted where one is within another."""
    if isinstance(value, Tensor):
        yield name, value
        return
    if isinstance(value, Mapping):
        parts: Iterable[tuple[Any, Any]] = value.items()
    elif hasattr(value, "__dataclass_fields__"):
        parts = [(field, getattr(value, field)) for field in value.__dataclass_fields__]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = list(zip(value._fields, value, strict=True))  # pyright: ignore[reportAttributeAccessIssue]
    elif isinstance(value, tuple | list):
        parts = enumerate(value)
    else:
        return
    for part, inner in parts:
        yield from named_leaves(inner, f"{name}.{part}" if name else str(part))
