"""Bytes that a network with few-bit weights and membranes would occupy, from its source, before any training.

    footprint = weights + gains + biases + membranes of the largest layer, for a whole batch
Hidden weights take `weight_bits` each, those of the first and the last layer 8, gains and biases 32, and every membrane
potential `membrane_bits`. The neurons are where the source has its activations. Not counted: running statistics and
scales, which the inference form folds into gains and biases; thresholds. Every array, and the membranes of every layer,
begin at a whole byte. A megabyte is 10^6 bytes.

That is the rule of Table 2 of Q-SNNs, which prints no rule; all its 36 figures follow from this one, for 3x32x32 images
and 10 classes, if the last layer of VGG16 is counted at 32 bits (`readout_bits`), unlike that of the other two
networks. Membranes of the largest layer alone are held by a network that runs all steps of a layer before the next
layer; one that runs step by step holds those of all layers, and `footprint_megabytes_all` counts them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spikewright.ann.layers import first_and_last
from spikewright.ann.ops.activations import BatchNorm, Offset
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import Source
from spikewright.errors import BadSetting
from spikewright.snn.formats.packing import packed_size

EDGE_BITS = 8  # first and last layer, Q-SNNs, Section 5.1
FULL_BITS = 32
MEGA = 10**6


def _require_bits(what: str, bits: int, *, least: int = 1) -> None:
    if not least <= bits <= 16 and bits != FULL_BITS:
        raise BadSetting(f"{what} is {bits}: give {least}..16, or {FULL_BITS} for no quantisation")


@dataclass(frozen=True, slots=True, kw_only=True)
class FootprintSettings:
    """How many bits each number takes, and how many samples are run at once.

    Attributes:
        weight_bits: of a hidden weight, 1..16, or 32 for no quantisation.
        membrane_bits: of a membrane potential, 2..16, or 32. One bit is no quantiser: it has 2^(1−1) − 1 = 0 steps.
        batch: samples whose membranes are in memory at once.
        edge_bits: of a weight of the first and the last layer; None: 8, or 32 where hidden weights take 32.
        readout_bits: of a weight of the last layer, where they are not those of the first.

    Raises:
        BadSetting: bits or a batch that cannot be.

    """

    weight_bits: int = FULL_BITS
    membrane_bits: int = FULL_BITS
    batch: int = 1
    edge_bits: int | None = None
    readout_bits: int | None = None

    def __post_init__(self) -> None:
        _require_bits("weight bits", self.bits["hidden"])
        _require_bits("edge bits", self.bits["first"])
        _require_bits("read-out bits", self.bits["readout"])
        _require_bits("membrane bits", self.membrane_bits, least=2)
        if self.batch < 1:
            raise BadSetting(f"batch is {self.batch}: give 1 or more")

    @property
    def bits(self) -> dict[str, int]:
        """Of one number of each sort of array."""
        edges = self.edge_bits
        if edges is None:
            edges = FULL_BITS if self.weight_bits == FULL_BITS else EDGE_BITS
        return {
            "hidden": self.weight_bits,
            "first": edges,
            "readout": edges if self.readout_bits is None else self.readout_bits,
            "gains": FULL_BITS,
            "biases": FULL_BITS,
        }


FULL_PRECISION = FootprintSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Numbers of one sort: how many, at how many bits, and the bytes they take; membranes are those of a batch."""

    what: str
    numbers: int
    bits: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a network would occupy; bytes of membranes are those of the whole batch."""

    batch: int
    hidden_weights: Part
    first_weights: Part
    readout_weights: Part
    gains: Part
    biases: Part
    membranes_peak: Part  # of the largest layer
    membranes_all: Part

    @property
    def weight_bytes(self) -> int:
        """Weights of convolutions and matrix products, each array packed by itself; no gains, no biases."""
        return self.hidden_weights.bytes + self.first_weights.bytes + self.readout_weights.bytes

    @property
    def footprint_megabytes(self) -> float:
        """With the membranes of the largest layer, as Table 2 of Q-SNNs."""
        return (self._arrays + self.membranes_peak.bytes) / MEGA

    @property
    def footprint_megabytes_all(self) -> float:
        """With the membranes of all layers, as stepwise execution needs."""
        return (self._arrays + self.membranes_all.bytes) / MEGA

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that is counted; the membranes of the largest layer are among those of all layers."""
        weights = (self.hidden_weights, self.first_weights, self.readout_weights)
        return (*weights, self.gains, self.biases, self.membranes_peak, self.membranes_all)

    @property
    def _arrays(self) -> int:
        return self.weight_bytes + self.gains.bytes + self.biases.bytes

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {
            "batch": self.batch,
            "weight_bits": self.hidden_weights.bits,
            "membrane_bits": self.membranes_all.bits,
            "weight_bytes": self.weight_bytes,
            "gain_bytes": self.gains.bytes,
            "bias_bytes": self.biases.bytes,
            "membrane_bytes_peak": self.membranes_peak.bytes,
            "membrane_bytes_all": self.membranes_all.bytes,
            "footprint_megabytes": self.footprint_megabytes,
            "footprint_megabytes_all": self.footprint_megabytes_all,
            "parts": [asdict(part) for part in self.parts],
        }


def footprint(source: Source, settings: FootprintSettings = FULL_PRECISION) -> Footprint:
    """Count what a source would occupy as a spiking network of few bits; its activations are the neurons."""
    bits = settings.bits
    sorts = _sorted_arrays(source, bits)

    def part(what: str, sort: str) -> Part:
        return _part(what, [source.arrays[name].numel() for name in sorts if sorts[name] == sort], bits[sort])

    layers = [settings.batch * math.prod(node.shape) for node in source.activations]
    return Footprint(
        batch=settings.batch,
        hidden_weights=part("hidden weights", "hidden"),
        first_weights=part("weights of the first layer", "first"),
        readout_weights=part("weights of the last layer", "readout"),
        gains=part("gains", "gains"),
        biases=part("biases", "biases"),
        membranes_peak=_part("membranes of the largest layer", [max(layers, default=0)], settings.membrane_bits),
        membranes_all=_part("membranes of all layers", layers, settings.membrane_bits),
    )


def _sorted_arrays(source: Source, bits: Mapping[str, int]) -> dict[str, str]:
    """The sort of each array that is counted, by its name."""
    sorts: dict[str, str] = {}
    first, last = first_and_last(source)
    for node in source.nodes:
        for role, name in node.arrays:
            sort = _SORTS.get((type(node.op), role))
            if sort == "hidden" and node.name in first | last:
                sort = "readout" if node.name in last else "first"
            # An array that several nodes share is stored once, at the most bits that one of them asks for
            if sort is not None and (name not in sorts or bits[sort] > bits[sorts[name]]):
                sorts[name] = sort
    return sorts


_SORTS = {
    (Linear, "weight"): "hidden",
    (Conv, "weight"): "hidden",
    (BatchNorm, "weight"): "gains",
    (Scale, "weight"): "gains",
    (BatchNorm, "bias"): "biases",
    (Offset, "offset"): "biases",
    (Linear, "bias"): "biases",
    (Conv, "bias"): "biases",
}


def _part(what: str, sizes: Sequence[int], bits: int) -> Part:
    return Part(what=what, numbers=sum(sizes), bits=bits, bytes=sum(packed_size(size, bits) for size in sizes))
