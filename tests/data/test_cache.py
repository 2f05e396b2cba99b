"""The cache gives back what was put in, once, whole, and mends itself."""

from pathlib import Path

import numpy as np
import pytest

from spikewright.data.cache import cache_folder, cached, image_file, key_of
from spikewright.data.dataset import Split
from spikewright.data.decoded import Decoded, measure
from spikewright.errors import BadData, BadFile


class Filler:
    """Writes one small split, and counts how often it was asked."""

    calls = 0

    def __call__(self, workspace: Path) -> Decoded:
        self.calls += 1
        images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
        np.save(image_file(workspace, "train"), images)
        return measure({"train": Split(images=images, labels=np.array([1, 0]))}, classes=2)


def test_the_second_reading_is_mapped_and_equal() -> None:
    fill = Filler()
    first, second = cached("k", fill), cached("k", fill)
    assert fill.calls == 1
    assert (first.classes, first.mean, first.std, first.fingerprint) == (
        second.classes,
        second.mean,
        second.std,
        second.fingerprint,
    )
    assert second.splits["train"].labels.tolist() == [1, 0]
    assert second.splits["train"].images.ravel().tolist() == list(range(24))
    assert not second.splits["train"].images.flags.writeable  # mapped read-only, not copied


@pytest.mark.parametrize("damaged", ["entry.json", "train-images.npy", "train-labels.npy"])
def test_a_damaged_entry_is_made_anew(damaged: str) -> None:
    fill = Filler()
    cached("k", fill)
    file = cache_folder() / "k" / damaged
    file.write_bytes(file.read_bytes()[:-3])
    assert cached("k", fill).splits["train"].images.ravel().tolist() == list(range(24))
    assert fill.calls == 2


def test_a_failed_filling_leaves_nothing_behind() -> None:
    def fail(workspace: Path) -> Decoded:
        (workspace / "half").write_text("half")
        raise BadData("corrupt")

    with pytest.raises(BadData, match="corrupt"):
        cached("k", fail)
    assert not cache_folder().exists()
    cached("other", Filler())
    with pytest.raises(BadData, match="corrupt"):
        cached("k", fail)
    assert [entry.name for entry in cache_folder().iterdir()] == ["other"]


def test_another_process_may_finish_first() -> None:
    other, fill = Filler(), Filler()

    def slow(workspace: Path) -> Decoded:
        cached("k", other)
        return fill(workspace)

    assert cached("k", slow).classes == 2
    assert [entry.name for entry in cache_folder().iterdir()] == ["k"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPIKEWRIGHT_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadFile, match=r"file/data: cannot be written \(Not a directory\): set SPIKEWRIGHT_CACHE"):
        cached("k", Filler())


def test_the_default_place_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEWRIGHT_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "spikewright" / "data"


def test_keys_differ_with_every_part() -> None:
    keys = {key_of("a", None), key_of("a", (28, 28)), key_of("b", None), key_of("a", (28, 29))}
    assert len(keys) == 4
    assert key_of("a", (28, 28)) in keys
