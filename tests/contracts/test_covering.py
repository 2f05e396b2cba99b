"""The models that stand for the zoo have all that is in it; and a capture that was kept is the one made anew."""

from collections.abc import Iterable
from functools import cache

import pytest
import torch
from support import zoo
from support.converted import captured, captured_anew, converted
from support.features import features


@cache
def _of(name: str) -> set[str]:
    return features(captured(name)[0], converted(name)[0])


def _features(names: Iterable[str]) -> set[str]:
    return {one for name in names for one in _of(name)}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_the_covering_models_have_every_feature_of_the_zoo() -> None:
    assert sorted(_features(zoo.ZOO) - _features(zoo.COVERING)) == []


@pytest.mark.parametrize("name", zoo.COVERING)
def test_none_of_them_can_be_left_out(name: str) -> None:
    assert _of(name) - _features(other for other in zoo.COVERING if other != name)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", zoo.names())
def test_a_kept_capture_is_the_one_made_anew(name: str) -> None:
    source, x, _ = captured(name)
    anew, inputs = captured_anew(name)
    assert source.nodes == anew.nodes
    assert (source.input_shape, source.preparation) == (anew.input_shape, anew.preparation)
    assert list(source.arrays) == list(anew.arrays)
    for saved, made in zip((*source.arrays.values(), x), (*anew.arrays.values(), inputs), strict=True):
        assert (saved.dtype, saved.stride(), saved.requires_grad) == (made.dtype, made.stride(), made.requires_grad)
        assert torch.equal(saved, made)
