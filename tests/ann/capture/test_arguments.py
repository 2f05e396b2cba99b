"""Examples by position, by keyword and both; what is no tensor is a constant of the trace."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.capture.arguments import Example, arguments_of
from spikewright.ann.capture.capture import capture
from spikewright.errors import BadModel, SpikewrightError

X, Y = torch.rand(3, 4), torch.rand(3, 4)


class Takes(nn.Module):
    """Of every kind of parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(
        self, x: Tensor, pair: Any = None, *more: Tensor, y: Tensor | None = None, twice: bool = False, scale: float = 1
    ) -> Tensor:
        out = self.a(x) * (2 if twice else 1) * scale
        for each in (*(pair or {}).values(), *more, *(() if y is None else (y,))):
            out = out + self.b(each)
        return out


@pytest.mark.parametrize(
    ("example", "names"),
    [
        (X, ["input"]),
        ((X,), ["input"]),
        ({"x": X}, ["input"]),
        (Example((X,), {"twice": True}), ["input"]),
        ({"y": Y, "x": X}, ["x", "y"]),
        (Example((X,), {"y": Y, "scale": 0.5}), ["x", "y"]),
        ((X, None, Y, X), ["x", "more0", "more1"]),
        ((X, {"left": Y, "right": X}), ["x", "pair.left", "pair.right"]),
    ],
)
def test_inputs_go_by_the_names_of_parameters(example: Any, names: list[str]) -> None:
    model = Takes()
    arguments = arguments_of(model, example)
    assert list(arguments.names) == names
    source = capture(model, example)
    assert [each.name for each in source.inputs] == names
    five = arguments.sized(5)
    args, kwargs = arguments.of(five)
    torch.testing.assert_close(interpreter.run(source, five), model(*args, **kwargs))


def test_a_batch_is_cut_or_repeated() -> None:
    arguments = arguments_of(Takes(), X)
    assert torch.equal(arguments.sized(2), X[:2])  # pyright: ignore[reportArgumentType]
    assert torch.equal(arguments.sized(4), X[:1].expand(4, 4))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ({"x": X, "z": Y}, r"does not take the example, got a dict of 2: .*unexpected keyword argument 'z'"),
        (Example(), "must be a tensor"),
        ({"x": X, "y": Y[:2]}, r"different batches: 'x' \(3, 4\), 'y' \(2, 4\)"),
        ({"x": X, "y": Y > 0.5}, "'y' holds torch.bool: masks are no inputs here: make it a constant"),
        ({"x": X, "y": Y / 0}, "'y' holds values that are not finite"),
        ({"x": X, "y": torch.rand(3)}, r"'y' must be a batch \[N, \*features\], got shape \(3,\)"),
        ({"x": X, "y": torch.ones(3, 4, dtype=torch.complex64)}, "complex64"),
        ({"x": X, "y": Y.long()}, "'y' holds torch.int64, and the model fails .* ids for an embedding"),
        ({"y": Y}, "missing 1 required positional argument: 'x': give an example of all inputs"),
    ],
)
def test_what_is_refused(example: Any, words: str) -> None:
    with pytest.raises(BadModel, match=words) as caught:
        capture(Takes(), example)
    assert "\n" not in str(caught.value)


def test_an_input_that_is_not_read_is_named() -> None:
    class Ignores(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x.relu()

    with pytest.raises(SpikewrightError, match="its input 'y' is not read: leave it out"):
        capture(Ignores(), (X, Y))
