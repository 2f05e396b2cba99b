"""Top-1 accuracy, by class too, and agreement; of equal scores the lowest class wins."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.errors import BadData, BadModel, BadSetting

FAR = 0.05  # between accuracy and its mean over classes, as shares
SURE = 0.99  # that a network is better than one answer for all, before anything it saves is called a gain


def predictions(scores: Tensor) -> Tensor:
    """The class of each row of scores [N, classes], int64 [N]; the lowest index of a tie.

    Raises:
        BadData: scores that are not one row a sample.

    """
    if scores.dim() != 2:
        raise BadData(f"classification needs scores [N, classes], got shape {tuple(scores.shape)}")
    return torch.argmax(scores, 1)  # documented to return the first of several maxima


def far_from_mean(accuracy: float, balanced: float | None) -> bool:
    """Whether accuracy is far from its mean over the classes, so that it says little alone; None: nobody knows."""
    return balanced is not None and abs(balanced - accuracy) > FAR


def lowest_first(shares: Sequence[float | None]) -> list[tuple[int, float]]:
    """Classes and their accuracies, the lowest first, of equal ones the lower class; those without one left out."""
    return sorted(((k, share) for k, share in enumerate(shares) if share is not None), key=lambda pair: pair[1])


@dataclass(frozen=True, slots=True)
class ByClass:
    """Right answers and samples of each class so far: lists as long as the highest label asks for."""

    right: tuple[int, ...] = ()
    samples: tuple[int, ...] = ()

    def add(self, right: Tensor, labels: Tensor) -> "ByClass":
        """These with a batch more: which answers are right, bool [N], and the labels, int64 [N]."""
        most = max(len(self.samples), int(labels.max()) + 1 if len(labels) else 0)
        hits, seen = (torch.bincount(some.cpu(), minlength=most).tolist() for some in (labels[right], labels))
        padding = (0,) * (most - len(self.samples))
        return ByClass(
            tuple(a + b for a, b in zip(self.right + padding, hits, strict=True)),
            tuple(a + b for a, b in zip(self.samples + padding, seen, strict=True)),
        )

    @property
    def share(self) -> float:
        """Accuracy, 0..1; 0 of nothing."""
        return sum(self.right) / max(sum(self.samples), 1)

    @property
    def shares(self) -> tuple[float | None, ...]:
        """Accuracy of each class, 0..1; None of one without a sample."""
        return tuple(a / b if b else None for a, b in zip(self.right, self.samples, strict=True))

    @property
    def balanced(self) -> float:
        """Mean of the classes' accuracies, those without a sample left out; 0 of nothing."""
        known = [share for share in self.shares if share is not None]
        return sum(known) / len(known) if known else 0.0

    @property
    def constant(self) -> float:
        """What always answering the commonest class would get; 0 of nothing."""
        return max(self.samples, default=0) / max(sum(self.samples), 1)


def surely_above(accuracy: float, constant: float, *, samples: int) -> bool:
    """Whether so many right answers are more than luck would give whoever is right with probability `constant`.

    The exact lower bound of Clopper and Pearson lies above it, one-sided at `SURE`. Far above, Hoeffding's inequality
    says so already, P ≤ exp(−2·n·d²), which takes no library.
    """
    hits = round(accuracy * samples)
    above = hits - constant * samples
    if above > 0 and math.exp(-2 * above**2 / samples) < 1 - SURE:
        return True
    from spikewright.measure.statistics.intervals import clopper_pearson  # noqa: PLC0415 - brings SciPy

    return clopper_pearson(hits, samples, level=SURE, side="low").low > constant


def require_classes(output: Sequence[int], verb: str) -> None:
    """Refuse a network whose output [*output], of one sample, holds no scores to choose among, as in a regression.

    Raises:
        BadModel: it is one; the line begins with the verb.
    """
    if len(output) != 1:
        raise BadModel(
            f"{verb}: the network's output has shape {tuple(output)}: accuracy needs one row of class scores: give it "
            "one, or measure the error of network(x) in Python"
        )
    if output[0] == 1:
        raise BadModel(
            f"{verb}: the network has one output, so that every image counts as right whatever breaks and accuracy "
            "says nothing: give it an output for each of two classes or more, or measure the error of network(x) in "
            "Python"
        )


def output_of(outputs: Mapping[str, Sequence[int]], asked: str | None, verb: str) -> str:
    """The name of the output that classes are told by.

    Args:
        outputs: shapes of one sample of each, by name.
        asked: its name; None takes the only output, or the only one of several that holds a row of scores.
        verb: what a refusal begins with.

    Raises:
        BadModel: as `require_classes`, or several could be meant.
        BadSetting: there is no output of that name.
    """
    names = ", ".join(outputs)
    if asked is not None and asked not in outputs:
        raise BadSetting(f"{verb}: the network has no output {asked!r}: choose one of {names}")
    rows = [name for name, shape in outputs.items() if len(shape) == 1 and shape[0] > 1]
    if asked is None and len(outputs) > 1 and len(rows) != 1:
        which = f"outputs {', '.join(rows)} hold" if rows else f"none of its outputs ({names}) holds"
        way_out = "say which by output" if rows else "measure their error in Python"
        raise BadModel(f"{verb}: accuracy needs one row of class scores, and {which} one: {way_out}")
    found = asked or (rows[0] if len(outputs) > 1 else next(iter(outputs)))
    require_classes(outputs[found], verb)
    return found


def correct(scores: Tensor, labels: Tensor) -> int:
    """How many samples have their label [N] as the class of their scores [N, classes]."""
    return int((predictions(scores) == labels).sum())


def top1_share(scores: Tensor, labels: Tensor) -> float:
    """Share of samples, 0..1, whose label [N] is the class of their scores [N, classes]."""
    return correct(scores, labels) / _some(labels)


def agreement_share(left: Tensor, right: Tensor) -> float:
    """Share of samples, 0..1, to which two networks' scores [N, classes] give the same class."""
    return int((predictions(left) == predictions(right)).sum()) / _some(left)


def _some(rows: Tensor) -> int:
    if not len(rows):
        raise BadData("accuracy needs at least one sample, got none: give a data set that is not empty")
    return len(rows)
