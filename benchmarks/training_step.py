"""How much faster is a training step with the fused scan than with snnTorch?

One run, medians of paired rounds, float32: forward and backward of one step on a network of leaky neurons and on a
small convolutional one, with an input that is the same at every step and with a spike train, as dense as MNIST (13 %).

    snntorch                  all layers, step by step, as its tutorials write it
    snntorch, channels last   the same (convolutional network only)
    snntorch, first once      the first affine layer only once (constant input only): what it could have had
    ours, stepped             time folded into the batch of every affine layer, the law stepped under autograd
    ours                      the same with one fused scan a layer; channels last
    ours, events              and linear layers meet only the inputs that are not zero
All run the same network: delayed soft reset without a gradient, arctangent, cross-entropy of the summed spikes; and
under the same allocator (freed memory kept; `--plain` leaves it as it is). First spikes and gradients are compared: in
float64 (our stepped scan) they are equal, in float32 but for the order of sums in matrix products.

    python benchmarks/training_step.py [--threads 1] [--rounds 15] [--only cnn] [--plain] [--json FILE]
"""

import argparse
import functools
import json
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import snntorch
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from spikewright.engines.scan.event_linear import event_linear
from spikewright.engines.scan.scan import scan, stepped
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.surrogate import Arctangent
from spikewright.training.allocator import retain_freed_memory

LEAK = 0.875  # exact in float32, which snnTorch keeps it in


class Case(NamedTuple):
    layers: nn.ModuleList  # each followed by neurons
    x: Tensor  # [T, N, *], or [1, N, *] if the same at every step
    labels: Tensor
    timesteps: int

    def laid_out(self, layout: torch.memory_format) -> "Case":
        x = self.x.flatten(0, 1)
        x = x.contiguous(memory_format=layout) if x.dim() == 4 else x
        layers = nn.ModuleList(layer for layer in self.layers)
        return Case(layers.to(memory_format=layout), x.unflatten(0, self.x.shape[:2]), self.labels, self.timesteps)


def mlp() -> nn.ModuleList:
    """784-128-64-10."""
    return nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in ((784, 128), (128, 64), (64, 10)))


def cnn() -> nn.ModuleList:
    """12C5-MP2-64C5-MP2-10 on 1×28×28."""
    return nn.ModuleList(
        [
            nn.Sequential(nn.Conv2d(1, 12, 5, bias=False), nn.MaxPool2d(2)),
            nn.Sequential(nn.Conv2d(12, 64, 5, bias=False), nn.MaxPool2d(2)),
            nn.Sequential(nn.Flatten(), nn.Linear(1024, 10, bias=False)),
        ]
    )


def case(layers: nn.ModuleList, shape: tuple[int, ...], *, batch: int, timesteps: int, train: bool) -> Case:
    """Random images or spikes, and weights large enough for every layer to fire."""
    generator = torch.Generator().manual_seed(0)
    for weight in layers.parameters():
        weight.data.normal_(0, 2.8 / weight[0].numel() ** 0.5, generator=generator)
    x = torch.rand(1, batch, *shape, generator=generator) * 0.26
    if train:
        x = (torch.rand(timesteps, batch, *shape, generator=generator) < x).float()
    return Case(layers, x, torch.randint(10, (batch,), generator=generator), timesteps)


def theirs(given: Case, *, once: bool = False, save: bool = False) -> tuple[Tensor, list[Tensor]]:
    """Loss, and what was kept of the spikes: of all layers, or of the last only."""
    neurons = [snntorch.Leaky(beta=LEAK) for _ in given.layers]  # arctangent, delayed subtraction, detached
    membranes = [neuron.reset_mem() for neuron in neurons]
    trains: list[list[Tensor]] = [[] for _ in neurons]
    first = given.layers[0](given.x[0]) if once else None
    for t in range(given.timesteps):
        spikes = given.x[t if len(given.x) > 1 else 0]
        for i, (layer, neuron) in enumerate(zip(given.layers, neurons, strict=True)):
            current = layer(spikes.to(given.x.dtype)) if i or first is None else first  # its spikes are float32
            spikes, membranes[i] = neuron(current, membranes[i])
            if save or i == len(neurons) - 1:
                trains[i].append(spikes)
    saved = [torch.stack(train) for train in trains if train]
    return cross_entropy(saved[-1].sum(0), given.labels), saved


def ours(
    given: Case, *, form: Callable[..., tuple[Tensor, Tensor]] = scan, events: bool = False
) -> tuple[Tensor, list[Tensor]]:
    """Loss, and the spikes of all layers."""
    law = Leaky(leak=LEAK, reset="delayed")
    spikes, saved = given.x, []
    for layer in given.layers:
        folded = spikes.flatten(0, 1)
        currents = event_linear(folded, layer.weight) if events and isinstance(layer, nn.Linear) else layer(folded)
        currents = currents.unflatten(0, spikes.shape[:2])
        spikes, _ = form(
            currents,
            law=law,
            threshold=1.0,
            leak=None,
            shape=Arctangent(),
            detach_reset=True,
            timesteps=given.timesteps,
        )
        saved.append(spikes)
    return cross_entropy(spikes.sum(0), given.labels), saved


def compare(given: Case) -> dict[str, object]:
    """Spikes that differ and the largest relative difference of a gradient, in float64 and in float32."""
    found: dict[str, object] = {}
    for dtype in (torch.float64, torch.float32):
        layers = given.layers.to(dtype)
        mine = Case(layers, given.x.to(dtype), given.labels, given.timesteps)
        results = []
        for run in (functools.partial(theirs, save=True), ours, functools.partial(ours, events=True)):
            loss, saved = run(mine)
            results.append((saved, torch.autograd.grad(loss, [*layers.parameters()])))
        expected, slopes = results[0]
        differing, worst = 0, 0.0
        for spikes, others in results[1:]:
            differing += sum(int((a != b).sum()) for a, b in zip(expected, spikes, strict=True))
            worst = max(
                worst, *(float((a - b).abs().max() / a.abs().max()) for a, b in zip(slopes, others, strict=True))
            )
        name = str(dtype).removeprefix("torch.")
        found[name] = {"differing_spikes": differing, "gradient_difference": worst}
        found["spikes"] = sum(train.numel() for train in spikes)
        found["rates"] = [round(float(train.detach().mean()), 3) for train in spikes]
        # a float32 spike may flip where a sum in another order passes the threshold, and its gradient with it
        allowed, precision = (0, 1e-6) if dtype == torch.float64 else (1e-5 * found["spikes"], 1e-3)
        assert differing <= allowed, found
        assert worst <= precision, found
        assert all(0.01 < rate < 0.9 for rate in found["rates"]), found
    return found


def clock() -> float:
    """Seconds: of this process if it has one thread, so that others on the machine do not count, else of the wall."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def measure(runs: dict[str, Callable[[], Tensor]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each run, one after the other in every round, so that noise falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(rounds + 2):
        for name, run in runs.items():
            began = clock()
            run().backward()
            if index > 1:  # two to warm up
                times[name].append(clock() - began)
    return times


def runs_of(given: Case) -> dict[str, Callable[[], Tensor]]:
    images = given.x.dim() == 5
    first, last = torch.contiguous_format, torch.channels_last
    plain, quick = given.laid_out(first), given

    def step(run: Callable[..., tuple[Tensor, list[Tensor]]], of: Case, **how: object) -> Callable[[], Tensor]:
        def loss() -> Tensor:
            of.layers.zero_grad(set_to_none=True)
            return run(of, **how)[0]

        return loss

    if images:
        copied = cnn()
        copied.load_state_dict(given.layers.state_dict())
        quick = Case(copied, given.x, given.labels, given.timesteps).laid_out(last)
    found = {"snntorch": step(theirs, plain)}
    if images:
        found["snntorch, channels last"] = step(theirs, quick)
    if len(given.x) == 1:
        found["snntorch, first once"] = step(theirs, quick, once=True)
    found |= {"ours, stepped": step(ours, quick, form=stepped), "ours": step(ours, quick)}
    return found if images else found | {"ours, events": step(ours, quick, events=True)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--plain", action="store_true", help="malloc as it is")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--json", type=Path)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    saved = not settings.plain and retain_freed_memory()
    rows: dict[str, object] = {}
    for name, build, shape, batch, timesteps, train in (
        ("mlp, constant, T=10", mlp, (784,), 256, 10, False),
        ("mlp, constant, T=30", mlp, (784,), 256, 30, False),
        ("mlp, spike train, T=10", mlp, (784,), 256, 10, True),
        ("mlp, spike train, T=30", mlp, (784,), 256, 30, True),
        ("cnn, constant, T=10", cnn, (1, 28, 28), 64, 10, False),
        ("cnn, spike train, T=10", cnn, (1, 28, 28), 64, 10, True),
        ("cnn, constant, T=10, large batch", cnn, (1, 28, 28), 256, 10, False),
        ("cnn, spike train, T=10, large batch", cnn, (1, 28, 28), 256, 10, True),
    ):
        if settings.only not in name:
            continue
        given = case(build(), shape, batch=batch, timesteps=timesteps, train=train)
        compared = compare(given)
        times = measure(runs_of(given), settings.rounds)
        rows[name] = {"compared": compared, "batch": batch} | {run: summary(times, run) for run in times}
        print(name, compared, flush=True)
        for run, seconds in times.items():
            ratio = rows[name][run]["times_faster_than_snntorch"]
            print(f"  {run:26} {1000 * statistics.median(seconds):8.1f} ms   {ratio:5.2f} ×", flush=True)
    conditions = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
        "clock": "process time" if torch.get_num_threads() == 1 else "wall",
        "torch": torch.__version__,
        "snntorch": snntorch.__version__,
        "rounds": settings.rounds,
        "freed_memory_kept": saved,
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }
    if settings.json is not None:
        settings.json.write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")


def summary(times: dict[str, list[float]], name: str) -> dict[str, object]:
    ratios = sorted(a / b for a, b in zip(times["snntorch"], times[name], strict=True))
    quarter = len(ratios) // 4
    return {
        "milliseconds": 1000 * statistics.median(times[name]),
        "times_faster_than_snntorch": statistics.median(ratios),
        "quartiles": [ratios[quarter], ratios[-1 - quarter]],
    }


if __name__ == "__main__":
    main()
