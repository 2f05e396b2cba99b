"""What no option takes: the most is taken, one more is refused by its name before the verb does anything."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from spikewright.app.cli.bounds import bounded, require_no_gaps
from spikewright.errors import BadSetting

given: dict[str, Any] = {}


def verb(
    seed: int = 0, epochs: int = 1, lr: float = 0.1, name: str = "a", out: Path = Path(), json_: object = None
) -> None:
    """What a verb says of itself."""
    given.update(seed=seed, epochs=epochs, lr=lr, name=name, out=out, json_=json_)


def test_a_bounded_verb_is_the_same_verb() -> None:
    given.clear()
    bounded(verb)(seed=3, name="b", json_=[1, "x"])
    assert (given["seed"], given["name"], given["json_"]) == (3, "b", [1, "x"])
    assert inspect.signature(bounded(verb)) == inspect.signature(verb) and bounded(verb).__doc__ == verb.__doc__


MOST, LEAST = 9_223_372_036_854_775_807, -9_223_372_036_854_775_807


@pytest.mark.parametrize(
    "taken",
    [
        {"seed": MOST}, {"seed": LEAST}, {"epochs": 10**6}, {"epochs": LEAST}, {"json_": True}, {"lr": 1e308},
        {"name": "n" * 4095}, {"name": "1" * 400}, {"name": f"a/{'1' * 401}"}, {"out": Path("n" * 255)},
        {"out": Path("/".join(["n" * 254] * 16))}, {"json_": [1, 2.0, "x", Path("y")]}, {"json_": (MOST,)},
    ],
)  # fmt: skip
def test_the_most_is_taken(taken: dict[str, Any]) -> None:
    given.clear()
    bounded(verb)(**taken)
    assert given.items() >= taken.items()


@pytest.mark.parametrize(
    ("beyond", "words"),
    [
        ({"seed": MOST + 1}, "--seed is 9223372036854775808: 9,223,372,036,854,775,807 is the most there is"),
        ({"seed": LEAST - 1}, "--seed is -9223372036854775808: -9,223,372,036,854,775,807 is the least there is"),
        ({"seed": 10**20 - 1}, "--seed is 99999999999999999999: "),
        ({"seed": -(10**20)}, "--seed is a number of 21 digits: -9,223,372,036,854,775,807 is the least"),
        ({"epochs": 10**6 + 1}, "--epochs is 1000001: 1,000,000 is the most there is"),
        ({"lr": float("nan")}, "--lr is nan: give a finite number"),
        ({"lr": float("-inf")}, "--lr is -inf: give a finite number"),
        ({"name": "n" * 4096}, "--name has 4,096 characters: 4,095 at most"),
        ({"name": "é" * 2048}, "--name has 2,048 characters: 4,095 at most"),
        ({"name": "a" + "1" * 401}, "--name holds a number of more than 400 digits"),
        ({"out": Path("n" * 256)}, "--out: the name nnnnnnnnnnnnnnnnnnnn… has more than 255 bytes"),
        ({"out": Path("/".join(["n" * 255] * 16 + ["n"]))}, "--out has 4,097 bytes: a path has 4,095 at most"),
        ({"json_": [1, 2.0, float("inf")]}, "--json is inf: give a finite number"),
        ({"json_": (MOST + 1,)}, "--json is 9223372036854775808"),
    ],
)
def test_one_more_is_refused_by_its_name(beyond: dict[str, Any], words: str) -> None:
    given.clear()
    with pytest.raises(BadSetting, match=re.escape(words)):
        bounded(verb)(**beyond)
    assert not given, "before the verb does anything"


def test_the_bounds() -> None:
    from spikewright.app.cli.bounds import MOST as BOUNDS

    millions = ("epochs", "calibration_epochs", "batch_size", "batch", "rounds")
    billions = ("images", "codes_images", "calibration", "maps", "cap")
    assert {*map(BOUNDS.get, millions)} == {1_000_000} and {*map(BOUNDS.get, billions)} == {1_000_000_000}
    assert (BOUNDS["timesteps"], BOUNDS["devices"], BOUNDS["workers"]) == (65_536, 1024, 1024)
    assert (BOUNDS["cutout"], BOUNDS["channels"], BOUNDS["classes"]) == (10_000, 16_384, 1_048_576)


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["convert", ""], "an argument"),
        (["convert", "--out", ""], "--out"),
        (["convert", "runs/x", "--out="], "--out"),
        (["convert", "--weight-bits="], "--weight-bits"),
        ([""], "an argument"),
    ],
)
def test_an_argument_without_text_is_refused(arguments: list[str], where: str) -> None:
    with pytest.raises(BadSetting, match=rf"^{where} is empty: give it a value, or leave it out$"):
        require_no_gaps(arguments)


def test_arguments_with_text_pass() -> None:
    require_no_gaps(["convert", "runs/x", "--set", "a=", "--out=b", "--", "-="])
    require_no_gaps([])
