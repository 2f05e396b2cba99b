"""Tensors by name as one batch, ids as ones among zeros, and outputs in the structure they came in."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from spikewright.ann import ends
from spikewright.ann.ends import Named, SourceInput, arranged, gathered_inputs, named_leaves, one_of
from spikewright.errors import BadData

A, B = torch.arange(6.0).reshape(3, 2), torch.arange(3)


def _both() -> Named:
    return Named({"a": A, "b": B})


def test_several_are_split_sliced_and_joined_as_one() -> None:
    first, second = _both().split(2)
    assert (len(first), len(second), len(_both())) == (2, 1, 3)
    again = ends.joined([first, second])
    assert isinstance(again, Named)
    assert torch.equal(again.tensors["a"], A)
    assert torch.equal(again.tensors["b"], B)
    assert torch.equal(_both()[1:].tensors["a"], A[1:])
    assert torch.equal(_both()[torch.tensor([True, False, True])].tensors["b"], torch.tensor([0, 2]))


def test_ids_take_no_type() -> None:
    for made in (_both().double(), ends.in_type(_both(), torch.float64), ends.moved(_both(), None, torch.float64)):
        assert isinstance(made, Named)
        assert (made.tensors["a"].dtype, made.tensors["b"].dtype) == (torch.float64, torch.int64)
    assert ends.in_type(B, torch.float32) is B
    assert _both().to(torch.device("cpu"), torch.float64, None).float().tensors["a"].dtype == torch.float32


def test_finite_or_not() -> None:
    assert ends.is_finite(_both())
    assert not ends.is_finite(Named({"a": A, "b": B / 0}))


def test_outputs_in_one_row_and_by_name() -> None:
    assert ends.one_row(Named({"a": A, "b": A.reshape(3, 1, 2)})).tolist() == torch.cat([A, A], 1).tolist()
    assert ends.one_row(A) is A
    assert ends.output_named(_both(), "b") is B
    assert ends.output_named(_both(), None) is A
    assert ends.output_named(A, "whatever") is A


def test_an_id_is_a_one_among_zeros() -> None:
    made = one_of(torch.tensor([[2, 0], [1, 1]]), 3, torch.float64)
    assert made.dtype == torch.float64
    assert made.tolist() == [[[0, 0, 1], [1, 0, 0]], [[0, 1, 0], [0, 1, 0]]]
    assert SourceInput(shape=(4,), ids=3).value_shape == (4, 3)
    assert SourceInput(shape=(4,)).value_shape == (4,)
    assert one_of(torch.zeros(0, 2, dtype=torch.int64), 3, torch.float32).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (torch.tensor([3]), "id 3 is outside its table of 3 rows, 0 to 2"),
        (torch.tensor([0, -1]), "id -1 is outside"),
        (torch.tensor([0.0]), "takes ids, whole numbers from 0 to 2, got torch.float32"),
        (torch.tensor([True]), "got torch.bool"),
    ],
)
def test_what_is_no_id_is_refused(ids: Tensor, words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        one_of(ids, 3, torch.float32, "words")
    assert "\n" not in str(caught.value)
    assert "'words'" in str(caught.value)


@dataclass
class _Fields:
    x: Any
    y: Any


class _Pair(NamedTuple):
    left: Any
    right: Any


@pytest.mark.parametrize(
    ("given", "names", "back"),
    [
        (A, [""], A),
        ((A, B), ["0", "1"], (A, B)),
        ([A, None, B], ["0", "2"], (A, None, B)),
        ({"a": A, "b": B, "n": 3}, ["a", "b"], {"a": A, "b": B}),
        (_Fields(A, (B, A)), ["x", "y.0", "y.1"], {"x": A, "y": (B, A)}),
        (_Pair(A, {"k": B}), ["left", "right.k"], {"left": A, "right": {"k": B}}),
        (None, [], None),
    ],
)
def test_names_of_outputs_and_back(given: Any, names: list[str], back: Any) -> None:
    found = dict(named_leaves(given))
    assert list(found) == names
    if names and names != [""]:
        assert arranged(Named(found)) == back
    elif names:
        assert arranged(found[""]) is back


def test_a_tensor_by_any_name_is_the_only_input() -> None:
    for given in (A, (A,), [A], {"x": A}, A.numpy()):
        got = gathered_inputs(["input"], given, "test")
        assert isinstance(got, Tensor)
        assert torch.equal(got, A)


@pytest.mark.parametrize("given", [(A, B), [A, B], {"b": B, "a": A}, Named({"b": B, "a": A})])
def test_several_by_position_or_by_name(given: Any) -> None:
    got = gathered_inputs(["a", "b"], given, "test")
    assert isinstance(got, Named)
    assert list(got.tensors) == ["a", "b"]
    assert got.tensors["a"] is A


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (["a", "b"], A, r"takes 2 inputs \(a, b\), got Tensor"),
        (["a", "b"], {"a": A, "c": A}, "got a, c"),
        (["a", "b"], (A, B, B), "got 0, 1, 2"),
        (["a", "b"], (A, B[:2]), r"different batches: 'a' \(3, 2\), 'b' \(2,\)"),
        (["a", "b"], (A, None), "tensor .* for 'b', got NoneType"),
        (["input"], (A, A), "takes one tensor, got 2"),
        (["input"], "text", "got str: torch.as_tensor"),
    ],
)
def test_others_are_refused(names: list[str], given: Any, words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        gathered_inputs(names, given, "test")
    assert "\n" not in str(caught.value)
