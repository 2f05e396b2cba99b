"""Real clusters of several processes on this machine, each started by a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]

DASK = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""

# Two nodes of one CPU: whatever two tasks share has to travel
RAY = """
import sys
from ray.cluster_utils import Cluster
if __name__ == "__main__":
    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    cluster.add_node(**node)
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()
"""


def environment() -> dict[str, str]:
    """This process's, in which children find the package and the tests' modules."""
    paths = [str(TESTS.parent / "src"), str(TESTS), os.environ.get("PYTHONPATH", "")]
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), **quiet}


@contextlib.contextmanager
def cluster(script: str) -> Iterator[str]:
    """Run `script`, give the address that it prints, and end it; it ends by itself when this process does."""
    # a short path, for sockets lie in it, whose names may not be long
    scratch = tempfile.TemporaryDirectory(prefix="cluster-", ignore_cleanup_errors=True)
    with (
        scratch as folder,
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**environment(), "TMPDIR": folder, "RAY_TMPDIR": folder},
            start_new_session=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the group holds whoever is left


@contextlib.contextmanager
def listener(answer: bytes) -> Iterator[int]:
    """Something that listens on a port, gives `answer` to whoever connects, and is no cluster."""
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:
        stored = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    stored.append(line)
                    line.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            for line in stored:
                line.close()


def closed_port() -> int:
    """A port on which nobody listens."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
