"""The record: what is written is read again, what a kill cut off is mended, and nobody else's file is touched."""

import json
import multiprocessing
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadFile
from spikewright.reliability.campaign.outcomes import Outcome
from spikewright.reliability.campaign.record import FORMAT, Key, Record

ONE: dict[str, dict[str, Any]] = {"aaaa": {"seed": 1, "fault": {"kind": "bit_flip", "ber": 0.01}}}
TWO: dict[str, dict[str, Any]] = {**ONE, "bbbb": {"seed": 2}}
COUNTS = st.builds(Outcome, *(st.integers(0, 10**6) for _ in Outcome._fields))
KEYS = st.builds(
    Key, st.sampled_from(list(TWO)), st.sampled_from(["model", "layer:fc.1/bit:7", "é"]), st.integers(0, 9)
)


def result(number: int, campaign: str = "aaaa") -> tuple[Key, Outcome]:
    return Key(campaign, "model", number), Outcome(hits=number, right=100 - number)


def written(path: Path, numbers: range = range(4), campaigns: dict[str, dict[str, Any]] = ONE) -> bytes:
    with Record.open(path, campaigns) as book:
        book.add(result(number) for number in numbers)
    return path.read_bytes()


# What is written -----------------------------------------------------------------------------------------------


@given(found=st.dictionaries(KEYS, COUNTS), cuts=st.lists(st.integers(0, 12), max_size=3))
def test_what_is_written_is_read_again(tmp_path_factory, found: dict[Key, Outcome], cuts: list[int]) -> None:
    path = tmp_path_factory.mktemp("record") / "deep" / "record.jsonl"
    every = list(found.items())
    edges = [0, *sorted(min(cut, len(every)) for cut in cuts), len(every)]
    for start, stop in pairwise(edges):  # as many commands, one after the other
        with Record.open(path, TWO) as book:
            assert book.done == dict(every[:start])
            book.add(every[start:stop])
            assert book.done == dict(every[:stop])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    heads = [line for line in lines if "is" in line]
    assert heads == [{"campaign": name, "is": {"format": FORMAT, **TWO[name]}} for name in TWO]
    assert {Key(line["campaign"], line["stratum"], line["map"]) for line in lines if "map" in line} == set(found)
    assert len(lines) == len(found) + 2


def test_a_line_says_what_a_map_did_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    with Record.open(path, ONE) as book:
        book.add([(Key("aaaa", "bit:3", 17), Outcome(1, 2, 3, 4, 5, 6, 7))])
        # it is on disk, whatever becomes of this process
        assert path.read_text().splitlines()[-1] == (
            '{"campaign": "aaaa", "critical": 4, "due": 7, "harmful": 5, "healed": 6, "hits": 1, "map": 17, '
            '"masked": 3, "right": 2, "stratum": "bit:3"}'
        )


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    before = written(path)
    assert written(path) == before
    with Record.open(path, ONE) as book:
        assert book.done == dict(map(result, range(4)))
        book.add([result(3), result(4)])
    assert path.read_bytes().count(b'"map"') == 5
    # lines of two machines, one after the other, some twice
    path.write_bytes(path.read_bytes() + before)
    with Record.open(path, ONE) as book:
        assert book.done == dict(map(result, range(5)))


def test_a_campaign_that_is_added_later(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    before = written(path)
    with Record.open(path, TWO) as book:
        assert book.done == dict(map(result, range(4)))
        book.add([result(0, "bbbb")])
    assert path.read_bytes().startswith(before)
    assert path.read_bytes().count(b'"is"') == 2
    with Record.open(path, TWO) as book:
        assert book.done == {**dict(map(result, range(4))), **dict([result(0, "bbbb")])}


def test_without_a_file_it_is_kept_in_memory() -> None:
    with Record.open(None, ONE) as book:
        book.add([result(1)])
        book.add([result(1), result(2)])
        assert book.done == dict(map(result, (1, 2)))


# What a kill leaves --------------------------------------------------------------------------------------------


def test_wherever_a_kill_cut_it_off_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    whole = written(path)
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        saved = whole[:cut].count(b"\n")
        with Record.open(path, ONE) as book:
            assert book.done == dict(map(result, range(max(saved - 1, 0))))
            book.add(map(result, range(4)))
        assert path.read_bytes() == whole


def test_line_ends_of_another_system(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    whole = written(path).replace(b"\n", b"\r\n")
    for cut in (len(whole), len(whole) - 1, len(whole) - 30):
        path.write_bytes(whole[:cut])
        saved = whole[:cut].count(b"\n")
        with Record.open(path, ONE) as book:
            assert book.done == dict(map(result, range(saved - 1)))
            book.add(map(result, range(4)))
        with Record.open(path, ONE) as book:
            assert book.done == dict(map(result, range(4)))
        assert path.read_bytes().startswith(whole[: whole[:cut].rfind(b"\n") + 1])


# Files that are none of ours -----------------------------------------------------------------------------------

LINE = json.dumps({"campaign": "aaaa", "stratum": "model", "map": 1, **Outcome()._asdict()})
ELSE = LINE.replace('"right": 0', '"right": 1')
OTHER = LINE.replace("aaaa", "cccc")
HEAD = json.dumps({"campaign": "aaaa", "is": {"format": FORMAT}})
NOT_A_LINE = "line {}: not a line of a record of fault campaigns: give another --record"
NO_RECORD = "is not a record of fault campaigns: give another --record"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        # damaged
        (f"{HEAD}\n{LINE[:-9]}\n{LINE}\n", NOT_A_LINE.format(2)),
        (f"{HEAD}\n\n{LINE}\n", NOT_A_LINE.format(2)),
        (f"{HEAD}\n{LINE}{LINE}\n", NOT_A_LINE.format(2)),
        (f"{LINE}\n{LINE.replace('masked', 'marked')}\n", NOT_A_LINE.format(2)),
        (LINE.replace('"map": 1', '"map": -1') + "\n", NOT_A_LINE.format(1)),
        (LINE.replace('"map": 1', '"map": 1.0') + "\n", NOT_A_LINE.format(1)),
        (LINE.replace('"map": 1', '"map": "1"') + "\n", NOT_A_LINE.format(1)),
        (LINE.replace('"right": 0', '"right": true') + "\n", NOT_A_LINE.format(1)),
        (LINE.replace('"right": 0', '"right": null') + "\n", NOT_A_LINE.format(1)),
        (LINE.replace('"right": 0', '"right": NaN') + "\n", NOT_A_LINE.format(1)),
        (LINE.replace('"aaaa"', '["aaaa"]') + "\n", NOT_A_LINE.format(1)),
        ('{"campaign": "aaaa", "is": 3}\n', NOT_A_LINE.format(1)),
        ('{"campaign": "aaaa", "is": {"format": "1"}}\n', NOT_A_LINE.format(1)),
        # another map's outcome under the same name
        (f"{LINE}\n{ELSE}\n", "line 2: another line says otherwise of the same map"),
        # another campaign's, format or file
        (f"{HEAD}\n{OTHER}\n", "is the record of another campaign .*; nothing was changed in it"),
        (f"{OTHER}\n{LINE[:20]}", "is the record of another campaign"),
        ('{"campaign": "aaaa", "is": {"format": 99}}\n', "has format 99, which this version does not read"),
        ("[]\n", NOT_A_LINE.format(1)), ("3\n", NOT_A_LINE.format(1)), ('"campaign"\n', NOT_A_LINE.format(1)),
        ("null\n", NOT_A_LINE.format(1)), ("[" * 100_000 + "\n", NOT_A_LINE.format(1)),
        ('{\n "accuracy_mean": 0.9\n}\n', NOT_A_LINE.format(1)),
        ('{"accuracy_mean": 0.9}\n', NOT_A_LINE.format(1)),
        # without a line end
        ('{"accuracy_mean": 0.9}', NO_RECORD), ("{}", NO_RECORD), ("my thesis", NO_RECORD), ("[1, 2]", NO_RECORD),
        ('{"campaign": "cccc", "is": {}}', NO_RECORD), ('{"campaign": "spring sale"}', NO_RECORD),
        (f"{HEAD}\nmy thesis", NO_RECORD), (f"{HEAD}\n\0\0\0", NO_RECORD),
        # no text
        ("\x89PNG\udc89\n", NO_RECORD),
    ],
)  # fmt: skip
def test_a_file_that_is_no_record_of_ours_is_left_as_it_is(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    stored = content.encode("utf-8", "surrogateescape")
    path.write_bytes(stored)
    with pytest.raises(BadFile, match=says) as caught:
        Record.open(path, ONE)
    assert path.read_bytes() == stored
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    path.unlink()
    assert len(written(path)) > 0  # the refusal left nothing locked


# In use, and not to be written ---------------------------------------------------------------------------------


def _clamp(path: Path, stored: Any, go: Any) -> None:
    with Record.open(path, ONE):
        stored.set()
        go.wait(30)


def test_a_record_in_use_is_refused_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    before = written(path)
    context = multiprocessing.get_context("spawn")
    stored, go = context.Event(), context.Event()
    process = context.Process(target=_clamp, args=(path, stored, go))
    process.start()
    try:
        assert stored.wait(60)
        with pytest.raises(BadFile, match="is in use by another campaign: wait for it, or give another --record"):
            Record.open(path, ONE)
        assert path.read_bytes() == before
    finally:
        go.set()
        process.join()
    with Record.open(path, ONE) as book:
        with pytest.raises(BadFile, match="is in use"):  # by this process as well
            Record.open(path, ONE)
        assert len(book.done) == 4
    assert written(path) == before


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "record.jsonl"):
        with pytest.raises(BadFile, match=r"record .* cannot be written \(.+\): give another --record"):
            Record.open(path, ONE)


@contextmanager
def _at_most(size: int) -> Iterator[None]:
    """Files of this process can grow no further: as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    whole = written(path, range(10))
    path.write_bytes(b"")
    room = whole.index(b'"map": 3') + 3
    too_large = pytest.raises(BadFile, match=r"record .* cannot be written \(File too large\)")
    with too_large, _at_most(room), Record.open(path, ONE) as book:
        for number in range(10):
            book.add([result(number)])
            assert len(book.done) == number + 1
    assert len(path.read_bytes()) <= room
    with pytest.raises(BadFile, match="cannot be written"), _at_most(5):
        written(tmp_path / "other.jsonl")
    with Record.open(path, ONE) as book:
        assert book.done == dict(map(result, range(3)))
        book.add(map(result, range(10)))
    assert path.read_bytes() == whole


def test_nothing_is_in_the_way_of_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spikewright.reliability.campaign import record

    def no_locks(*_: Any) -> None:
        raise OSError(os.strerror(95))

    monkeypatch.setattr(record.fcntl, "flock", no_locks)
    assert written(tmp_path / "record.jsonl").count(b"\n") == 5
