"""What options' text becomes, and what it says if it becomes nothing."""

from collections.abc import Callable

import pytest

from spikewright.app.cli import options
from spikewright.errors import BadSetting


def test_text_becomes_settings() -> None:
    assert options.timesteps("4") == options.timesteps(" 4 ") == 4
    assert options.timesteps("3,2, 4") == (3, 2, 4)
    assert options.names("--methods", "exact, cos:rounds=3,exact") == ("exact", "cos:rounds=3")
    assert options.counts("--timesteps", "1, 2,4,2") == (1, 2, 4)
    assert options.settings(["a-b= c=d ", "e="]) == {"a_b": "c=d", "e": ""}
    assert options.floats("--mean", "0.5,1") == (0.5, 1.0)
    assert options.floats("--mean", None) is None
    assert options.size("32") == (32, 32)
    assert options.size("32x24") == (32, 24)
    assert options.shape("3x224x200") == (3, 224, 200)
    assert options.size(None) is options.shape(None) is None
    found = options.images("0.5", None, "8", 3)
    assert (found.mean, found.std, found.size, found.seed) == ((0.5,), None, (8, 8), 3)
    options.on_cpu("convert", "auto")
    options.on_cpu("convert", "cpu")


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda: options.timesteps("4,x"), "--timesteps is '4,x': give a whole number, or several"),
        (lambda: options.timesteps("2.5"), "--timesteps is '2.5'"),
        (lambda: options.names("--methods", ""), "--methods is '': give names"),
        (lambda: options.counts("--timesteps", "1,,2"), "--timesteps is '1,,2': give whole numbers"),
        (lambda: options.counts("--timesteps", "1.5"), "--timesteps is '1.5'"),
        (lambda: options.settings(["=3"]), "--set '=3' is not key=value"),
        (lambda: options.floats("--std", "0.1;0.2"), "--std is '0.1;0.2': give one number per channel"),
        (lambda: options.size("8x0"), "--size is '8x0': give HEIGHTxWIDTH"),
        (lambda: options.shape("3xa"), "--shape is '3xa': give one input's sizes"),
        (lambda: options.on_cpu("convert", "cuda:1"), "not on 'cuda:1': leave out --device"),
    ],
)
def test_text_that_means_nothing_is_refused(read: Callable[[], object], words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read()
    assert words in str(caught.value) and "\n" not in str(caught.value)
