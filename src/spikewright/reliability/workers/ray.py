"""Workers of a Ray cluster that runs already.

Tasks are Ray tasks of one CPU each; the job is put into Ray's object store once. Ray runs a task again by itself when
its worker died (three times, Ray's default). The connection stays for the next campaign of this process, since Ray
starts new workers for every connection.
"""

import contextlib
import importlib
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spikewright.errors import BadSetting, SpikewrightError
from spikewright.reliability.workers.crew import ClusterBackend, Crew, first_line

_PATIENCE_SECONDS = 10.0
# RFC 9113, 3.4: a client's preface and an empty SETTINGS frame; a server answers with a SETTINGS frame (type 4)
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_WAY_OUT = "start a cluster with `ray start --head --port 6379` and give its address, host:6379"
_LOST = ("WorkerCrashedError", "NodeDiedError", "LocalRayletDiedError", "OutOfMemoryError", "ObjectLostError")
_connected: list[str] = []  # the address that was connected to here


@dataclass(frozen=True, slots=True, kw_only=True)
class _RayParcel:
    """A job in the object store. The reference lies in a tuple, or Ray would fetch the job for every task."""

    key: str
    reference: tuple[Any]

    def open(self) -> bytes:
        return importlib.import_module("ray").get(self.reference[0])


class _Calls:
    """Calls that are out as Ray tasks: what joblib knows by its future, Ray cancels by its reference."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._call = ray.remote(num_cpus=1)(_call)
        self._sent: dict[Any, Any] = {}

    def send(self, func: Callable[[], Any]) -> Any:
        reference = self._call.remote(func)
        future = reference.future()
        self._sent[future] = reference
        future.add_done_callback(lambda done: self._sent.pop(done, None))
        return future

    def stop(self, futures: list[Any]) -> None:
        for reference in [self._sent.get(future) for future in futures]:
            if reference is not None:
                self._ray.cancel(reference, force=True)


@contextlib.contextmanager
def ray_crew(count: int | None, address: str, key: str, data: bytes) -> Iterator[Crew]:
    """Connect, and put the job into the object store. A connection that the caller has is used as it is.

    Args:
        count: tasks at once; None: one for each CPU of the cluster.
        address: of the head, "host:6379"; "ray://host:10001" from outside the cluster; "auto": Ray looks for one.
        key: names the job's content.
        data: the job, pickled.

    Raises:
        BadSetting: Ray is not installed.
        SpikewrightError: no cluster at the address.

    """
    ray, cpus = _reached(address)
    most = min(count, cpus) if count else 2 * cpus  # twice: the next is there when one is done
    calls = _Calls(ray)
    yield Crew(
        backend=ClusterBackend(calls.send, calls.stop, most=most),
        jobs=2,
        ahead="all",
        parcel=_RayParcel(key=key, reference=(ray.put(data),)),
        lost=tuple(getattr(ray.exceptions, name) for name in _LOST if hasattr(ray.exceptions, name)),
        where=f"ray at {address}",
    )


def reach_ray(address: str) -> None:
    """Connect, so that what is wrong with a cluster is said before a campaign begins.

    Raises:
        BadSetting, SpikewrightError: as `ray_crew`.

    """
    _ = _reached(address)


def _reached(address: str) -> tuple[Any, int]:
    """Ray, connected, and how many CPUs the cluster has."""
    try:
        ray = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise BadSetting(f"backend ray takes {error.name}: pip install 'spikewright[ray]'") from error
    _connect(ray, address)
    cpus = int(ray.cluster_resources().get("CPU", 0))
    if not cpus:
        raise SpikewrightError(f"ray at {address}: the cluster has no CPUs: start its nodes with --num-cpus")
    return ray, cpus


def _call(func: Callable[[], Any]) -> Any:
    return func()


def _connect(ray: Any, address: str) -> None:
    if ray.is_initialized():
        if not _connected or _connected[0] == address:  # the caller's own connection, or this one
            return
        ray.shutdown()
    _connected.clear()
    found = re.fullmatch(r"(?:ray://)?(?P<host>[^/]+):(?P<port>\d+)", address)
    if found and "RAY_USE_TLS" not in os.environ:
        _greet(found["host"].strip("[]"), int(found["port"]), address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise SpikewrightError(f"ray at {address}: {first_line(error)}: {_WAY_OUT}") from error
    _connected.append(address)


def _greet(host: str, port: int, address: str) -> None:
    # Ray itself tries for more than a minute, cannot be interrupted, and writes to stderr from its core
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE_SECONDS) as line:
            line.settimeout(_PATIENCE_SECONDS)
            line.sendall(_HELLO)
            answer = line.recv(9)
    except OSError as error:
        raise SpikewrightError(f"ray at {address}: no answer ({error.strerror or error}): {_WAY_OUT}") from error
    if len(answer) < 4 or answer[3] != 4:
        raise SpikewrightError(f"ray at {address}: something else than Ray answers there: {_WAY_OUT}")
