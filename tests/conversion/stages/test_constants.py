"""Constants in front of what is not linear: at the node that nobody else reads, else at an identity; added once."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.moves import Identity
from spikewright.conversion.stages.constants import gather_constants
from spikewright.conversion.stages.draft import Draft, load
from spikewright.conversion.stages.max_pools import firings


class _Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        fired = F.relu(self.a(x))
        return self.c(fired * self.b(fired) + fired)


def _draft() -> tuple[Draft, dict]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        draft = load(capture(_Gated(), torch.randn(3, 4)), {})
    return draft, firings(draft)


def test_the_constant_of_a_value_that_a_product_alone_reads_stays_with_it() -> None:
    draft, fires = _draft()
    gather_constants(draft, fires)
    assert set(draft.bias) == {"b"}
    assert torch.equal(draft.bias["b"], draft.source.arrays["b.bias"].double())
    assert draft.inputs["mul"] == ("relu", "b")
    assert "mul" not in draft.constant
    assert "add" not in draft.constant


def test_an_activations_own_constant_is_added_by_an_identity_and_reaches_linear_readers_as_ever() -> None:
    """A code of 0 may stand for another value than 0."""
    draft, fires = _draft()
    own = torch.tensor([0.5, -1.0, 2.0, 0.25]).double()
    draft.constant["relu"] = own
    gather_constants(draft, fires)
    identity, factor = draft.inputs["mul"]
    assert (draft.op[identity], draft.inputs[identity], factor) == (Identity(), ("relu",), "b")
    assert torch.equal(draft.bias[identity], own)
    weight, bias = (draft.source.arrays[f"b.{role}"].double() for role in ("weight", "bias"))
    torch.testing.assert_close(draft.bias["b"], weight @ own + bias)
    assert torch.equal(draft.constant["add"], own)


def test_one_identity_serves_all_who_need_the_whole_value() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            a = self.a(x)
            return a * a + torch.maximum(a, x) + a

    draft = load(capture(Twice(), torch.randn(3, 4)), {})
    gather_constants(draft, firings(draft))
    assert draft.inputs["mul"] == ("a.value", "a.value")
    assert draft.inputs["maximum"] == ("a.value", "input")
    assert set(draft.bias) == {"a.value"}
    assert draft.inputs["a.value"] == ("a",)
