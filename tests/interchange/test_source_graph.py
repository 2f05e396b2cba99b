"""Graphs that were read: shapes that do not fit are refused in one line, whatever torch says of no samples."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import spikewright as sw
from spikewright.errors import BadFile
from spikewright.interchange.source_graph import require_graph

PATH = Path("source.json")


@pytest.fixture(scope="module")
def source() -> sw.Source:
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    return sw.capture(model.eval(), torch.rand(2, 2, 6, 6))


def test_what_fits_is_taken(source: sw.Source) -> None:
    require_graph(PATH, source)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("0.weight", torch.ones(4, 3, 3, 3)),
        ("1.bias", torch.ones(3)),
        ("1.running_mean", torch.ones(5)),
        ("1.weight", torch.ones(4, 1)),
        ("4.weight", torch.ones(3, 63)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(source: sw.Source, name: str, array: Tensor) -> None:
    with pytest.raises(BadFile, match=r"source\.json: node '\d' cannot be evaluated \(.*make the run again") as caught:
        require_graph(PATH, replace(source, arrays={**source.arrays, name: array}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda nodes: (), "holds no nodes"),
        (lambda nodes: (*nodes, nodes[0]), "named twice"),
        (lambda nodes: (replace(nodes[0], inputs=("nothing",)), *nodes[1:]), "reads what no earlier node makes"),
        (lambda nodes: (replace(nodes[0], inputs=("input", "input")), *nodes[1:]), "its operation takes one"),
        (lambda nodes: (replace(nodes[0], shape=(4, 4, 5)), *nodes[1:]), "not .* as stated"),
        (lambda nodes: (replace(nodes[0], shape=(-4, 4, 4)), *nodes[1:]), "make the run again"),
        (lambda nodes: (*nodes[:2], replace(nodes[2], op=replace(nodes[2].op, cap=1e300)), *nodes[3:]), "float32"),
    ],
)
def test_graphs_that_cannot_be_are_refused(source: sw.Source, change, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        require_graph(PATH, replace(source, nodes=change(source.nodes)))
