"""What inputs become at the first step, what comes back, and what is refused."""

from typing import Any

import pytest
import torch
from torch import Tensor

from spikewright.ann.ends import Named
from spikewright.ann.ops.moves import Concat, Identity
from spikewright.engines.ends import checked, given_back, require_one_input, returned, started
from spikewright.engines.lower.folded import fold
from spikewright.errors import BadData, BadPlan
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.ends import PlanInput, Readout
from spikewright.snn.nodes import Edge, Node
from spikewright.snn.plan import Plan


def _plan() -> Plan:
    """Real numbers [2] and ids [2] of three, side by side; and the real numbers alone."""
    encoder = Repeat(timesteps=4)
    nodes = (
        Node(name="flat", op=Identity(), edges=(Edge("x"),), shape=(2, 3)),
        Node(name="both", op=Concat(dim=1), edges=(Edge("flat"), Edge("ids")), shape=(4, 3)),
        Node(name="alone", op=Identity(), edges=(Edge("flat"),), shape=(2, 3)),
    )
    return Plan(
        inputs=(
            PlanInput(name="x", shape=(2, 3), encoder=encoder),
            PlanInput(name="ids", shape=(2,), encoder=encoder, ids=3),
        ),
        nodes=nodes,
        readouts=(Readout(name="a.0", node="both"), Readout(name="a.1", node="alone")),
    )


X, IDS = torch.rand(5, 2, 3), torch.randint(3, (5, 2))
BATCH = Named({"x": X, "ids": IDS})


@pytest.mark.parametrize(("trains", "steps"), [(True, (4, 4)), (False, (1, 1)), (("ids",), (1, 4)), ((), (1, 1))])
def test_trains_or_totals(trains: Any, steps: tuple[int, int]) -> None:
    program = fold(Blueprint(_plan(), {}))
    values = started(program, BATCH, trains=trains)
    assert (len(values["x"]), len(values["ids"])) == steps
    torch.testing.assert_close(values["x"].sum(0), X)
    assert torch.equal(values["ids"].sum(0), torch.eye(3)[IDS])


def test_outputs_by_name_in_the_structure_they_came_in() -> None:
    values = {"both": torch.rand(5, 4, 3), "alone": X}
    back = given_back(_plan(), values)
    assert isinstance(back, Named)
    assert list(back.tensors) == ["a.0", "a.1"]
    found = returned(_plan(), values)
    assert set(found) == {"a"}
    assert found["a"][1] is X


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((X, IDS), {}),
        ((X,), {"ids": IDS}),
        ((), {"ids": IDS, "x": X}),
        (((X, IDS),), {}),
        (({"ids": IDS, "x": X},), {}),
    ],
)
def test_calls(args: Any, named: Any) -> None:
    batch = checked(_plan(), torch.float64, args, named)
    assert isinstance(batch, Named)
    assert torch.equal(batch.tensors["x"], X.double())
    assert batch.tensors["ids"] is IDS


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((X,), r"takes 2 inputs \(x, ids\)"),
        ((X, IDS, IDS), "takes 2 inputs"),
        ((X[:, :1], IDS), r"input 'x' of shape \(2, 3\), got \(1, 3\)"),
        ((X.double(), IDS), "runs in torch.float32, the input is torch.float64"),
    ],
)
def test_calls_that_are_refused(args: tuple[Tensor, ...], words: str) -> None:
    with pytest.raises(BadData, match=words):
        checked(_plan(), torch.float32, args, {})


def test_engines_for_one_input() -> None:
    with pytest.raises(BadPlan, match="the packed engine takes one input of real numbers, the network takes 2 inputs"):
        require_one_input(_plan(), "packed")
