"""Footprints by hand, against a count over the user's own module, and all of Table 2 of Q-SNNs."""

import json
import math
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import zoo
from support.converted import captured
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.layers import first_and_last
from spikewright.ann.source import Source
from spikewright.errors import BadSetting
from spikewright.measure.cost.footprint import Footprint, FootprintSettings, footprint
from spikewright.models import build


class Small(nn.Module):
    """3x6x6 → stem, a block with a projection beside it, and a read-out of two matrices without an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5)
        self.inner, self.plain = nn.Conv2d(5, 7, 3, stride=2, padding=1), nn.BatchNorm2d(7, affine=False)
        self.beside = nn.Conv2d(5, 7, 1, stride=2, bias=False)
        self.narrow, self.out = nn.Linear(63, 4, bias=False), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = torch.relu(self.plain(self.inner(x)) + self.beside(x))
        return self.out(self.narrow(x.flatten(1)))


@cache
def small() -> Source:
    return capture(Small(), torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)))


def test_bytes_by_hand() -> None:
    found = footprint(small(), FootprintSettings(weight_bits=1, membrane_bits=3, batch=2))
    assert [(part.numbers, part.bits, part.bytes) for part in found.parts] == [
        (5 * 7 * 9 + 5 * 7, 1, 40 + 5),  # 315 and 35 bits, each array from a whole byte on
        (3 * 5 * 9, 8, 135),
        (63 * 4 + 4 * 2, 8, 260),
        (5, 32, 20),
        (5 + 7 + 2, 32, 56),
        (2 * 5 * 36, 3, 135),
        (2 * 5 * 36 + 2 * 7 * 9, 3, 135 + 48),  # 126 numbers of 3 bits are 47.25 bytes
    ]
    assert found.weight_bytes == 45 + 135 + 260
    assert found.footprint_megabytes == (440 + 76 + 135) / 10**6
    assert found.footprint_megabytes_all == (440 + 76 + 183) / 10**6


@given(
    weight_bits=st.sampled_from([*range(1, 17), 32]),
    membrane_bits=st.sampled_from([*range(2, 17), 32]),
    batch=st.integers(1, 300),
    edge_bits=st.sampled_from([None, 1, 3, 8, 16, 32]),
    readout_bits=st.sampled_from([None, 1, 2, 8, 16, 32]),
)
def test_every_number_of_bits(
    weight_bits: int, membrane_bits: int, batch: int, edge_bits: int | None, readout_bits: int | None
) -> None:
    settings = FootprintSettings(
        weight_bits=weight_bits,
        membrane_bits=membrane_bits,
        batch=batch,
        edge_bits=edge_bits,
        readout_bits=readout_bits,
    )
    found = footprint(small(), settings)
    model = Small()

    def octets(numbers: int, bits: int) -> int:
        return math.ceil(Fraction(numbers * bits, 8))

    outer = edge_bits or (32 if weight_bits == 32 else 8)
    weights = sum(octets(layer.weight.numel(), weight_bits) for layer in (model.inner, model.beside))
    weights += octets(model.stem.weight.numel(), outer)
    weights += sum(octets(layer.weight.numel(), readout_bits or outer) for layer in (model.narrow, model.out))
    others = 4 * sum(p.numel() for name, p in model.named_parameters() if "bias" in name or name == "norm.weight")
    peak, second = octets(batch * 5 * 36, membrane_bits), octets(batch * 7 * 9, membrane_bits)
    assert found.to_json() == {
        "batch": batch,
        "weight_bits": weight_bits,
        "membrane_bits": membrane_bits,
        "weight_bytes": weights,
        "gain_bytes": 20,
        "bias_bytes": others - 20,
        "membrane_bytes_peak": peak,
        "membrane_bytes_all": peak + second,
        "footprint_megabytes": (weights + others + peak) / 10**6,
        "footprint_megabytes_all": (weights + others + peak + second) / 10**6,
        "parts": found.to_json()["parts"],
    }


@pytest.mark.parametrize("name", zoo.names())
def test_full_precision_counts_each_number_of_a_module_once(name: str) -> None:
    source, _, _ = captured(name)
    found = footprint(source)
    thresholds = {array for node in source.activations for _, array in node.arrays}
    averages = {array for node in source.nodes for role, array in node.arrays if role in ("mean", "variance")}
    counted = [array.numel() for name, array in source.arrays.items() if name not in thresholds | averages]
    assert sum(part.numbers for part in found.parts[:5]) == sum(counted)
    assert found.weight_bytes + found.gains.bytes + found.biases.bytes == 4 * sum(counted)
    assert found.membranes_all.bytes == 4 * sum(math.prod(node.shape) for node in source.activations)


class Tied(nn.Module):
    """One matrix, used in the first and in a hidden layer."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.out = nn.Linear(6, 6, bias=False), nn.Linear(6, 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.twice(torch.relu(self.twice(x)))))


def test_a_shared_array_is_stored_once_at_its_most_bits() -> None:
    found = footprint(capture(Tied(), torch.randn(2, 6)), FootprintSettings(weight_bits=1, membrane_bits=2))
    assert (found.hidden_weights.numbers, found.first_weights.numbers, found.readout_weights.numbers) == (0, 36, 12)


def test_what_no_activation_parts_is_one_layer() -> None:
    assert first_and_last(small()) == ({"stem"}, {"narrow", "out"})
    single = capture(nn.Linear(3, 2), torch.randn(2, 3))
    assert first_and_last(single) == ({single.output}, {single.output})
    assert footprint(single).membranes_peak.bytes == 0
    firing = capture(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU()), torch.randn(2, 3))
    assert first_and_last(firing) == ({"0"}, {"2"})
    resnet = capture(build("resnet20", channels=3, size=(8, 8), classes=10, seed=0), torch.rand(2, 3, 8, 8))
    assert first_and_last(resnet) == ({"conv1"}, {"classifier"})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weight_bits": 0}, r"weight bits is 0: give 1\.\.16, or 32"),
        ({"weight_bits": 17}, "weight bits is 17"),
        ({"membrane_bits": 1}, r"membrane bits is 1: give 2\.\.16, or 32"),
        ({"membrane_bits": 31}, "membrane bits is 31"),
        ({"edge_bits": 17}, r"edge bits is 17: give 1\.\.16"),
        ({"readout_bits": 0}, r"read-out bits is 0: give 1\.\.16"),
        ({"batch": 0}, "batch is 0: give 1 or more"),
    ],
)
def test_bits_out_of_range_are_refused(settings: dict[str, int], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        FootprintSettings(**settings)


# Table 2 of Q-SNNs, in megabytes as printed: by batch and bits of weights and membranes, for three networks
NETWORKS = ("resnet19", "vgg16", "vggsnn")
PRINTED = {
    (1, 32, 32): ("50.80", "59.16", "37.44"),
    (1, 1, 8): ("1.75", "1.96", "1.31"),
    (1, 1, 4): ("1.68", "1.93", "1.25"),
    (1, 1, 2): ("1.65", "1.91", "1.21"),
    (64, 32, 32): ("83.83", "75.67", "70.47"),
    (64, 1, 8): ("10.0", "6.09", "9.57"),
    (64, 1, 4): ("5.81", "3.99", "5.38"),
    (64, 1, 2): ("3.72", "2.94", "3.28"),
    (256, 32, 32): ("184.49", "126.01", "171.13"),
    (256, 1, 8): ("35.17", "18.67", "34.74"),
    (256, 1, 4): ("18.40", "10.28", "17.96"),
    (256, 1, 2): ("10.01", "6.09", "9.57"),
}


@cache
def network(name: str, **settings: str) -> Source:
    model = build(name, channels=3, size=(32, 32), classes=10, seed=0, **settings)
    return capture(model, torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))


def as_printed(found: Footprint, printed: str) -> str:
    """Rounded to as many decimals as the table has there."""
    return f"{found.footprint_megabytes:.{len(printed.partition('.')[2])}f}"


@pytest.mark.slow
@pytest.mark.parametrize("column", range(3), ids=NETWORKS)
@pytest.mark.parametrize("cell", PRINTED, ids=str)
def test_table_2(cell: tuple[int, int, int], column: int) -> None:
    batch, weight_bits, membrane_bits = cell
    # The table counts the last layer of VGG16 alone at full precision
    readout_bits = 32 if NETWORKS[column] == "vgg16" else None
    settings = FootprintSettings(
        weight_bits=weight_bits, membrane_bits=membrane_bits, batch=batch, readout_bits=readout_bits
    )
    found = footprint(network(NETWORKS[column]), settings)
    assert as_printed(found, PRINTED[cell][column]) == PRINTED[cell][column]


@pytest.mark.slow
def test_the_result_beside_the_script_is_of_today() -> None:
    saved = json.loads((Path(__file__).parents[3] / "reproduce" / "paper3_table2.json").read_text())
    assert (saved["cells_equal"], saved["reductions_equal"]) == (36, 36)
    for name, rows in saved["table"].items():
        assert {(row["batch"], row["weight_bits"], row["membrane_bits"]) for row in rows} == set(PRINTED)
        for row in rows:
            settings = FootprintSettings(
                weight_bits=row["weight_bits"],
                membrane_bits=row["membrane_bits"],
                batch=row["batch"],
                readout_bits=32 if name == "vgg16" else None,
            )
            found = footprint(network(name), settings)
            assert row["megabytes"] == round(found.footprint_megabytes, 6)
            assert row["megabytes_with_all_membranes"] == round(found.footprint_megabytes_all, 6)


def test_stepwise_execution_holds_the_membranes_of_all_layers() -> None:
    # ResNet-19: 7 layers of 128·32², 6 of 256·16², 4 of 512·8²: 11 times those of the largest
    found = footprint(network("resnet19"), FootprintSettings(weight_bits=1, membrane_bits=2, batch=64))
    assert found.membranes_peak.bytes == 64 * 128 * 32 * 32 // 4
    assert found.membranes_all.bytes == 64 * (7 * 128 * 1024 + 6 * 256 * 256 + 4 * 512 * 64) // 4
    assert found.membranes_all.bytes == 11 * found.membranes_peak.bytes
