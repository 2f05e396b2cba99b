"""A folder is one command's at a time; it is left as tidy as it was found."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spikewright.errors import BadFile, BadSetting
from spikewright.interchange.claim import LOCK, claimed


def test_a_second_command_is_refused_and_comes_in_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "run"
    with claimed(folder):
        with (
            pytest.raises(BadSetting, match=r"at work in .*/a/run: wait until it has ended") as caught,
            claimed(folder),
        ):
            pass
        assert "\n" not in str(caught.value)
        with claimed(folder, name="other.lock"):
            pass
        (folder / "kept").touch()
    assert [path.name for path in folder.iterdir()] == ["kept"]
    with claimed(folder):
        assert (folder / LOCK).exists()


def test_a_folder_that_was_made_for_nothing_goes(tmp_path: Path) -> None:
    with pytest.raises(KeyError), claimed(tmp_path / "a" / "run"):
        raise KeyError
    assert not list(tmp_path.iterdir())
    (tmp_path / "there").mkdir()
    with pytest.raises(KeyError), claimed(tmp_path / "there"):
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(BadFile, match="file is a file, not a folder: choose another place"), claimed(path):
            pass


def test_other_errors_of_the_block_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), claimed(tmp_path):
        (tmp_path / "nowhere").read_text()


def test_another_process_holds_it_until_it_is_killed(tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from spikewright.interchange.claim import claimed
        with claimed(Path(sys.argv[1])):
            print("there", flush=True)
            time.sleep(60)
    """
    other = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), tmp_path], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None and other.stdout.readline() == b"there\n"
        with pytest.raises(BadSetting, match="another command"), claimed(tmp_path):
            pass
    finally:
        other.kill()
        other.wait()
    assert (tmp_path / LOCK).exists()  # a kill leaves the file, which stands in nobody's way
    with claimed(tmp_path):
        pass
    assert not list(tmp_path.iterdir())
