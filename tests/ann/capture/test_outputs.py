"""What is left out at an output, and what outputs are named after."""

from typing import Any

import pytest
import torch
from support.zoo import Net
from torch import nn

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.capture.outputs import read_out_of
from spikewright.ann.ends import SourceOutput

X = torch.rand(3, 4)


@pytest.mark.parametrize(
    "end",
    [
        torch.sigmoid,
        lambda z: torch.softmax(z, 1),
        lambda z: torch.softmax(z, -1),
        lambda z: torch.log_softmax(z, 1),
        lambda z: z,
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_logits_at_any_output(end: Any, several: bool) -> None:
    model = Net(
        lambda m, x: {"a": end(m.a(x)), "b": m.b(x)} if several else end(m.a(x)), a=nn.Linear(4, 3), b=nn.Linear(4, 2)
    )
    source = capture(model, X)
    got = interpreter.run(source, X)
    torch.testing.assert_close(got.tensors["a"] if several else got, model.a(X))
    assert [each.name for each in source.outputs] == (["a", "b"] if several else ["output"])


def test_only_at_an_end() -> None:
    assert read_out_of("sigmoid", {"self": 3}) is None
    source = capture(Net(lambda m, x: m.b(torch.sigmoid(m.a(x))), a=nn.Linear(4, 3), b=nn.Linear(3, 2)), X)
    assert len(source.activations) == 1, "in the middle it fires"


def test_an_output_is_a_node_though_others_read_it() -> None:
    model = Net(lambda m, x: (m.b(m.a(x).relu()), m.a(x), x), a=nn.Linear(4, 4), b=nn.Linear(4, 2))
    source = capture(model, X)
    names = [node.name for node in source.nodes]
    assert [each.name for each in source.outputs] == ["0", "1", "2"]
    assert all(each.node in names for each in source.outputs)
    assert source.outputs[2] == SourceOutput(name="2", node="output.2")
    got = interpreter.run(source, X).tensors
    assert torch.equal(got["2"], X)
    torch.testing.assert_close(got["1"], model.a(X))
