"""Throughput of a network in an engine: median over several batches, after a warm-up.

Wall-clock time on this machine, with its other load. Preparation of the inputs is not in it.
"""

import time
from collections.abc import Iterable
from statistics import median

import torch

from spikewright.ann.ends import Batch, named_leaves
from spikewright.data.progress import Progress, silent
from spikewright.engines.runtimes import Runner
from spikewright.errors import BadData

SPEED_BATCHES = 5
SPEED_SECONDS = 10.0  # after this much measuring no further batch is begun


def samples_per_second(network: Runner, batches: Iterable[Batch], *, on_progress: Progress = silent) -> float:
    """Median samples per second.

    Args:
        network: the network, in the type to be timed.
        batches: inputs [N, *input_shape] of the network's type; those smaller than the first are left out.
        on_progress: called with ("speed", done, total).

    Raises:
        BadData: no inputs.

    """
    stored_batches = list(batches)
    if not stored_batches or not len(stored_batches[0]):
        raise BadData("timing needs at least one input, got none: give a data set that is not empty")
    stored_batches = [batch for batch in stored_batches if len(batch) == len(stored_batches[0])]
    rates: list[float] = []
    with torch.no_grad():
        _run(network, stored_batches[0])
        begin = time.perf_counter()
        for index in range(SPEED_BATCHES):
            start = time.perf_counter()
            _run(network, stored_batches[index % len(stored_batches)])
            end = time.perf_counter()
            rates.append(len(stored_batches[0]) / max(end - start, 1e-9))
            on_progress("speed", index + 1, SPEED_BATCHES)
            if end - begin > SPEED_SECONDS:
                break
    return median(rates)


def _run(network: Runner, x: Batch) -> None:
    for _, output in named_leaves(network(x)):
        float(output.sum())  # reading a number waits for the device
