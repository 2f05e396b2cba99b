import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from spikewright.reliability.workers import worker
from spikewright.reliability.workers.worker import Done, Failed, FileParcel, one_thread, pack, run


@dataclass(frozen=True)
class Here:
    key: str
    data: bytes

    def open(self) -> bytes:
        return self.data


@pytest.fixture(autouse=True)
def _as_it_was():
    threads = torch.get_num_threads()
    yield
    worker._built.clear()
    worker._litter.clear()
    torch.set_num_threads(threads)


def test_what_is_built_serves_all_tasks_of_a_key_and_only_the_latest_is_kept(tmp_path):
    def parcel(name: str) -> Here:
        return Here(
            *pack(lambda path: [(tmp_path / path).open("a").write("x"), path][1], lambda b, task: b * task, name)
        )

    first, second = parcel("a"), parcel("b")
    assert first.key != second.key
    assert parcel("a").key == first.key
    assert [run(first, number, 2) for number in range(3)] == [Done(number, "aa") for number in range(3)]
    assert run(second, 7, 1) == Done(7, "b")
    assert run(first, 0, 1) == Done(0, "a")
    assert (tmp_path / "a").read_text() == "xx"
    assert (tmp_path / "b").read_text() == "x"
    assert len(worker._built) == 1


def test_threads_of_a_process_build_once():
    builds = []

    def build(_):
        time.sleep(0.05)
        builds.append(1)  # this process's: a pickled list would be another
        return 3

    key, _ = pack(abs, abs, 0)
    job = (build, lambda built, task: built + task, None)
    parcel = Here(key, b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.cloudpickle, "loads", lambda _: job)
        found = []
        threads = [threading.Thread(target=lambda n=n: found.append(run(parcel, n, n))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [Done(number, 3 + number) for number in range(4)]
    assert builds == [1]


def pick(built, task):
    return built[task]


@pytest.mark.parametrize("by_value", [False, True])
def test_an_exception_is_returned_with_its_traceback_and_the_next_task_goes_on(by_value):
    def pick_here(built, task):
        return built[task]

    work = pick_here if by_value else pick
    parcel = Here(*pack(list, work, [10]))
    failed = run(parcel, 0, 4)
    assert isinstance(failed, Failed)
    assert type(failed.error) is IndexError
    assert str(failed.error) == "list index out of range"
    place = f"line {work.__code__.co_firstlineno + 1}, in {work.__name__}\n"
    if by_value:  # it has left its file behind, or not: that is cloudpickle's affair
        assert place in failed.traceback
    else:
        assert f'  File "{__file__}", {place}    return built[task]\n' in failed.traceback
    assert failed.traceback.endswith("IndexError: list index out of range\n")
    assert run(parcel, 1, 0) == Done(1, 10)


class Stubborn(Exception):
    def __reduce__(self):
        raise TypeError("never")


def test_an_exception_that_cannot_travel_is_described():
    def work(built, task):
        raise Stubborn("as it is")

    key, _ = pack(abs, abs, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "_prepare", lambda parcel: worker._Built(key, work, None))
        failed = run(Here(key, b""), 0, None)
    assert isinstance(failed, Failed)
    assert type(failed.error) is RuntimeError
    assert str(failed.error) == "Stubborn: as it is"
    assert failed.traceback.endswith("Stubborn: as it is\n")


def test_a_file_parcel_is_read_and_remembered(tmp_path):
    (tmp_path / "job").write_bytes(b"bytes")
    assert FileParcel(key="k", path=str(tmp_path / "job")).open() == b"bytes"
    assert worker._litter == {str(tmp_path / "job")}


def test_a_worker_whose_parent_is_gone_clears_up_and_leaves(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "job").touch()
    worker._litter.add(str(folder / "job"))
    left = []
    monkeypatch.setattr(worker.os, "_exit", left.append)
    worker._leave_with(os.getpid())  # nobody is its own parent
    assert left == [1]
    assert not folder.exists()
    assert Path(tmp_path).exists()


def test_one_thread_gives_back_what_was():
    torch.set_num_threads(2)
    with pytest.raises(KeyError), one_thread():
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == 2
