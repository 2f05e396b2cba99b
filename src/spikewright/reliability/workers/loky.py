"""Worker processes on this machine, through joblib's loky.

The processes stay for the next campaign of this process, and go when it ends, or after five idle minutes.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path

from spikewright.reliability.workers.crew import Crew
from spikewright.reliability.workers.worker import FileParcel, enlist


@contextlib.contextmanager
def loky_crew(count: int, key: str, data: bytes) -> Iterator[Crew]:
    """Lay the job into a file of its own, and have `count` processes.

    joblib would share large arrays through memory-mapped files by itself; it leaves them lying when this process is
    killed, warns about them when it is interrupted, and hands out arrays that cannot be written to.
    """
    with tempfile.TemporaryDirectory(prefix="spikewright-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "job"
        path.write_bytes(data)
        yield Crew(
            backend="loky",
            settings={"inner_max_num_threads": 1, "initializer": enlist, "initargs": (os.getpid(),)},
            jobs=count,
            ahead=2 * count,
            parcel=FileParcel(key=key, path=str(path)),
            lost=(BrokenExecutor,),
            where="loky",
        )
