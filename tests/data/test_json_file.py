"""JSON of other people: the largest that is read, the least that is refused, and why, in a few words."""

import json
from pathlib import Path

import pytest

from spikewright.data import json_file
from spikewright.data.json_file import NotJSON, parsed, read_json
from spikewright.errors import BadFile

LEAST, MOST = -9_223_372_036_854_775_808, 9_223_372_036_854_775_807  # of an int64


@pytest.mark.parametrize("number", [LEAST, MOST, 0, -1])
def test_integers_of_64_bits_are_read(number: int) -> None:
    assert parsed(f'{{"a": [{number}]}}') == {"a": [number]}


@pytest.mark.parametrize(
    ("digits", "length"), [(f"{LEAST - 1}", 19), (f"{MOST + 1}", 19), ("9" * 20, 20), ("-" + "1" * 5000, 5000)]
)
def test_integers_beyond_are_refused(digits: str, length: int) -> None:
    with pytest.raises(NotJSON, match=f"^an integer of {length} digits is beyond 64 bits$"):
        parsed(digits)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_is_no_number_is_refused_unless_asked_for(word: str) -> None:
    with pytest.raises(NotJSON, match=r"is no number|is beyond what a number can be"):
        parsed(f"[{word}]")
    assert json.dumps(parsed(f"[{word}]", finite=False)) == json.dumps([float(word)])


def test_nesting_has_an_end() -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "]" * depth

    assert parsed(nested(100)) is not None
    for depth in (101, 50_000):
        with pytest.raises(NotJSON, match=r"^nested deeper than 100 times$"):
            parsed(nested(depth))
    inside = '{"a":' * 100 + "1" + "}" * 100
    with pytest.raises(NotJSON, match=r"^nested deeper than 100 times$"):
        parsed(inside)
    assert parsed('{"a":' * 99 + "1" + "}" * 99) is not None


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"\udc00": 1}', r'{"a": [1, "\ud800x"]}'])
def test_half_of_a_pair_is_refused_wherever_it_is(text: str) -> None:
    with pytest.raises(NotJSON, match=r"^a text holds half of a surrogate pair$"):
        parsed(text)
    assert parsed(r'"\ud83d\ude00"') == "\U0001f600"


def test_a_file_is_read_or_refused_with_its_name_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "plan.json"
    file.write_text("[1, 2.5]")
    assert read_json(file) == [1, 2.5]
    monkeypatch.setattr(json_file, "MOST_BYTES", 8)
    assert read_json(file) == [1, 2.5], "as large as is allowed"
    monkeypatch.setattr(json_file, "MOST_BYTES", 7)
    with pytest.raises(BadFile, match=r"plan\.json has 8 bytes, and no such file is larger than 7: make it again$"):
        read_json(file, way_out="make it again")
    for content, why in ((b"[", "Expecting value"), (b"[NaN]", "NaN is no number"), (b"\xff", "at byte 0")):
        file.write_bytes(content)
        with pytest.raises(
            BadFile, match=rf"plan\.json is not valid JSON \(.*{why}.*\): it is truncated or was edited"
        ):
            read_json(file)
    with pytest.raises(BadFile, match=r"nothing\.json"):
        read_json(tmp_path / "nothing.json")


def test_no_file_of_ours_is_near_the_limits() -> None:
    assert (json_file.MOST_BYTES, json_file.MOST_DEPTH) == (268_435_456, 100)
