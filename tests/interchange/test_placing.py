"""A run is in its place whole or not at all, wherever the one that puts it there is killed."""

import contextlib
import shutil
from functools import partial
from pathlib import Path

import pytest
from support.disk import Disk, Killed, watched

from spikewright.errors import BadFile, BadSetting
from spikewright.interchange.claim import claimed
from spikewright.interchange.placing import (
    LIST,
    RUN_FILES,
    WRITING,
    WRITTEN,
    foreign,
    has_file,
    place,
    present,
    stamp,
    where,
)

BOTH, PLAN = RUN_FILES, RUN_FILES[2:]


def files(text: str, names: tuple[str, ...]) -> dict[str, partial[bytes]]:
    return {name: partial(f"{text} {name}".encode) for name in names}


def read(folder: Path) -> dict[str, str]:
    return {name: where(folder, name).read_text() for name in present(folder)}


def texts(text: str, names: tuple[str, ...]) -> dict[str, str]:
    return {name: f"{text} {name}" for name in names}


@pytest.mark.parametrize(("old", "new"), [(BOTH, BOTH), (BOTH, PLAN), (PLAN, BOTH), ((), BOTH), (RUN_FILES[:2], PLAN)])
def test_killed_at_any_change_the_old_run_is_there_or_the_new_one(
    old: tuple[str, ...], new: tuple[str, ...], tmp_path: Path
) -> None:
    begun, folder = tmp_path / "begun", tmp_path / "folder"
    place(begun, files("old", old))
    (begun / "compare").mkdir()
    (begun / "compare" / "rows").touch()
    shutil.copytree(begun, folder)
    with watched(Disk(tmp_path)) as disk:
        place(folder, files("new", new), discard=("compare", "campaigns"))
    assert read(folder) == texts("new", new)
    assert sorted(path.name for path in folder.iterdir()) == sorted(new)
    seen = set()
    for last in range(len(disk.done)):
        shutil.rmtree(folder)
        shutil.copytree(begun, folder)
        with pytest.raises(Killed), watched(Disk(tmp_path, last=last)):
            place(folder, files("new", new), discard=("compare", "campaigns"))
        found = read(folder)
        assert found in (texts("old", old), texts("new", new)), disk.done[: last + 1]
        seen.add(found == texts("new", new))
        for again in ("new", "third"):
            place(folder, files(again, new), discard=("compare",))
            assert read(folder) == texts(again, new)
        assert sorted(path.name for path in folder.iterdir()) == sorted(new)
    assert seen == {False, True}


def test_killed_while_it_is_finished_it_is_finished_later(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    place(folder, files("old", BOTH))
    with watched(Disk(tmp_path)) as disk:
        place(folder, files("old", BOTH))
    renamed = disk.done.index(f"rename {WRITING}")
    for first in range(renamed + 1, len(disk.done)):
        for second in range(len(disk.done) - first):
            for last in (first, second):
                with contextlib.suppress(Killed), watched(Disk(tmp_path, last=last)):
                    place(folder, files("new", PLAN))
                assert read(folder) in (texts("old", BOTH), texts("new", PLAN))
            place(folder, files("old", BOTH))
            assert read(folder) == texts("old", BOTH)


def test_a_refusal_at_any_change_leaves_the_old_run_or_the_new_one_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "folder"
    with watched(Disk(tmp_path)) as disk:
        place(folder, files("new", BOTH))
    for last in range(len(disk.done)):
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        with watched(Disk(tmp_path, last=last, error=28, every=False)):
            try:
                place(folder, files("new", BOTH))
            except BadFile as error:
                assert (
                    str(error)
                    == f"{folder} cannot be written: no space left on the disk: make room, or choose another place"
                )
                assert not (tmp_path / "a").exists(), disk.done[: last + 1]
                continue
        assert read(folder) == texts("new", BOTH)


def test_what_is_kept_is_part_of_the_run(tmp_path: Path) -> None:
    place(tmp_path, files("old", RUN_FILES[:2]))
    place(tmp_path, files("new", PLAN), carry=RUN_FILES[:2])
    assert read(tmp_path) == {**texts("old", RUN_FILES[:2]), **texts("new", PLAN)}


def test_a_file_of_the_run_before_counts_no_more(tmp_path: Path) -> None:
    place(tmp_path, files("old", BOTH))
    (tmp_path / WRITTEN).mkdir()
    (tmp_path / WRITTEN / LIST).write_text('["plan.json", "weights.safetensors"]')
    (tmp_path / WRITTEN / "plan.json").write_text("new plan.json")
    assert present(tmp_path) == PLAN
    assert not has_file(tmp_path, "source.json")
    assert read(tmp_path) == {"plan.json": "new plan.json", "weights.safetensors": "old weights.safetensors"}
    (tmp_path / WRITTEN / LIST).write_text("[")
    with pytest.raises(BadFile, match=r"files\.json cannot be read"):
        present(tmp_path)


def test_discarding_waits_for_nobody(tmp_path: Path) -> None:
    place(tmp_path, files("old", BOTH))
    (tmp_path / "compare").mkdir()
    with claimed(tmp_path / "compare"), pytest.raises(BadSetting, match=r"at work in .*compare"):
        place(tmp_path, files("new", BOTH), discard=("compare",))
    assert read(tmp_path) == texts("old", BOTH)
    assert not (tmp_path / WRITING).exists()


def test_what_an_older_version_left_goes(tmp_path: Path) -> None:
    (tmp_path / "plan.json.part").touch()
    (tmp_path / "notes.part").touch()
    place(tmp_path, files("new", PLAN))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.part", *PLAN]


def test_what_is_foreign(tmp_path: Path) -> None:
    assert foreign(tmp_path / "nowhere") == []
    place(tmp_path, files("new", BOTH))
    for name in ("b.txt", "a.txt", "x.part", "known", WRITING):
        (tmp_path / name).touch()
    assert foreign(tmp_path, "known") == ["a.txt", "b.txt"]


def test_a_stamp_is_another_as_soon_as_a_run_is_in_place(tmp_path: Path) -> None:
    place(tmp_path, files("old", BOTH))
    before = stamp(tmp_path)
    assert stamp(tmp_path) == before
    place(tmp_path, files("old", BOTH))
    assert stamp(tmp_path) != before
    (tmp_path / "plan.json").unlink()
    assert stamp(tmp_path) != before
