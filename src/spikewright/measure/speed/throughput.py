"""Throughput of a network in an engine: median over several batches, after a warm-up.

Wall-clock time on this machine, with its other load. Preparation of the inputs is not in it.
"""

import time
from collections.abc import Callable, Iterable
from statistics import median

import torch
from torch import Tensor

from spikewright.engines.runtimes import Runner
from spikewright.errors import BadData

SPEED_BATCHES = 5
SPEED_SECONDS = 10.0  # after this much measuring no further batch is begun

Progress = Callable[[str, int, int], None]  # (what is done, done, total)


def samples_per_second(network: Runner, batches: Iterable[Tensor], *, progress: Progress | None = None) -> float:
    """Median samples per second.

    Args:
        network: the network, in the type to be timed.
        batches: inputs [N, *input_shape] of the network's type; those smaller than the first are left out.
        progress: called with ("speed", done, total).

    Raises:
        BadData: no inputs.

    """
    held = list(batches)
    if not held or not len(held[0]):
        raise BadData("timing needs at least one input, got none: give a data set that is not empty")
    held = [batch for batch in held if len(batch) == len(held[0])]
    rates: list[float] = []
    with torch.no_grad():
        float(network(held[0]).sum())
        begin = time.perf_counter()
        for index in range(SPEED_BATCHES):
            start = time.perf_counter()
            float(network(held[index % len(held)]).sum())  # reading a number waits for the device
            end = time.perf_counter()
            rates.append(len(held[0]) / max(end - start, 1e-9))
            if progress is not None:
                progress("speed", index + 1, SPEED_BATCHES)
            if end - begin > SPEED_SECONDS:
                break
    return median(rates)
