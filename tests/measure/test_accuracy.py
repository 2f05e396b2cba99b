"""Top-1 with ties, and agreement."""

from math import comb

import pytest
import torch

from spikewright.errors import BadData, BadModel, BadSetting
from spikewright.measure.accuracy import (
    ByClass,
    agreement_share,
    correct,
    far_from_mean,
    lowest_first,
    output_of,
    predictions,
    require_classes,
    surely_above,
    top1_share,
)

SCORES = torch.tensor([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0], [2.0, 1.0, 5.0], [-1.0, -2.0, -1.0]])


def test_accuracy_by_class_over_batches_is_a_plain_count() -> None:
    generator = torch.Generator().manual_seed(2)
    labels = torch.randint(0, 4, (50,), generator=generator)
    labels[labels == 2] = 3
    right = torch.rand(50, generator=generator) < 0.6
    found = ByClass()
    for some in torch.arange(50).split(7):
        found = found.add(right[some], labels[some])
    shares: list[float | None] = []
    for k in range(4):
        hits = [bool(hit) for hit, label in zip(right, labels, strict=True) if label == k]
        shares.append(sum(hits) / len(hits) if hits else None)
    assert found.shares == tuple(shares) and shares[2] is None
    known = [share for share in shares if share is not None]
    assert found.balanced == pytest.approx(sum(known) / 3)
    assert found.share == int(right.sum()) / 50
    assert found.constant == max(int((labels == k).sum()) for k in range(4)) / 50
    assert (ByClass().balanced, ByClass().constant) == (0.0, 0.0)


def test_accuracy_that_says_little_alone() -> None:
    assert far_from_mean(0.9, 0.8) and far_from_mean(0.5, 0.6)
    assert not far_from_mean(0.9, 0.86)
    assert not far_from_mean(0.9, None)


def test_the_lowest_classes_come_first() -> None:
    assert lowest_first((0.5, None, 0.25, 0.5, 0.0)) == [(4, 0.0), (2, 0.25), (0, 0.5), (3, 0.5)]
    assert lowest_first(()) == []


def test_luck_is_no_accuracy() -> None:
    for samples, constant in ((8, 0.25), (450, 46 / 450), (60, 0.5)):
        for hits in range(samples + 1):
            luck = sum(
                comb(samples, k) * constant**k * (1 - constant) ** (samples - k) for k in range(hits, samples + 1)
            )
            assert surely_above(hits / samples, constant, samples=samples) == (luck < 0.01)


def test_the_lowest_of_equal_scores_wins() -> None:
    assert predictions(SCORES).tolist() == [1, 0, 2, 0]


def test_accuracy_and_agreement() -> None:
    labels = torch.tensor([1, 1, 2, 2])
    assert correct(SCORES, labels) == 2
    assert top1_share(SCORES, labels) == 0.5
    assert agreement_share(SCORES, SCORES.flip(1)) == 0.5  # flipped, all four say 0


def test_what_has_no_classes_or_no_samples_is_refused() -> None:
    with pytest.raises(BadData, match=r"\[N, classes\]"):
        predictions(torch.zeros(2, 3, 4))
    with pytest.raises(BadData, match="at least one sample"):
        top1_share(torch.zeros(0, 3), torch.zeros(0))


@pytest.mark.parametrize(
    ("output", "words"), [((1,), "has one output"), ((), "shape \\(\\)"), ((2, 3), "shape \\(2, 3\\)")]
)
def test_outputs_without_scores_of_classes_are_refused(output: tuple[int, ...], words: str) -> None:
    require_classes((2,), "evaluate")
    with pytest.raises(BadModel, match=f"^evaluate: the network.*{words}"):
        require_classes(output, "evaluate")


def test_which_output_tells_classes() -> None:
    outputs = {"mask": (1, 4, 4), "classes": (5,), "size": (1,), "number": ()}
    assert output_of(outputs, None, "evaluate") == "classes"
    assert output_of({"output": (3,)}, None, "evaluate") == "output"
    assert output_of({**outputs, "others": (7,)}, "others", "evaluate") == "others"


@pytest.mark.parametrize(
    ("outputs", "asked", "words"),
    [
        ({"a": (5,), "b": (6,)}, None, "evaluate: .* outputs a, b hold one: say which by output"),
        ({"a": (5, 2), "b": (1,)}, None, r"none of its outputs \(a, b\) holds one: measure their error in Python"),
        ({"a": (5,)}, "b", "evaluate: the network has no output 'b': choose one of a"),
        ({"a": (5,), "b": (5, 2)}, "b", r"shape \(5, 2\): accuracy needs one row"),
        ({"a": (5, 2)}, None, r"shape \(5, 2\): accuracy needs one row"),
    ],
)
def test_outputs_that_tell_no_classes(outputs: dict[str, tuple[int, ...]], asked: str | None, words: str) -> None:
    with pytest.raises((BadModel, BadSetting), match=words) as caught:
        output_of(outputs, asked, "evaluate")
    assert "\n" not in str(caught.value)
