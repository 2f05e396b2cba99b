"""Batch norm's statistics: enough values in a batch to have some, and estimated again where training was too short.

    running ← (1 − m) · running + m · batch:  after n batches (1 − m)^n of what it began with is left
A dozen updates leave a quarter of the initial variance of 1 in it, and a network that learned on the statistics of its
batches is another one in evaluation. The remedy is the plain mean over the training batches with the final weights, as
torch.optim.swa_utils.update_bn takes it. Differs: of a captured graph, whose norms are no modules.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from spikewright.ann.ops.activations import BatchNorm, as_batch_norm
from spikewright.ann.source import Source
from spikewright.errors import BadSetting
from spikewright.measure.accuracy import ByClass
from spikewright.training.trainee import Trainee

LEFT = 0.01  # of a variance: so much of it may be what training began with

Norms = dict[tuple[str, str], tuple[BatchNorm, int]]  # names of mean and variance: the norm, and how often it is used


def require_values(source: Source, *, rows: int, steps_of: Callable[[str], int]) -> None:
    """Refuse batches that leave a norm a single value a channel, of which there is no variance.

    Args:
        source: the network.
        rows: samples of a batch on one device.
        steps_of: how many steps of each sample a node sees, by its name.

    Raises:
        BadSetting: some norm has fewer than two.
    """
    for node in source.nodes:
        if node.op.normalises:
            values = rows * steps_of(node.name) * torch.Size(node.shape[1:]).numel()
            if values < 2:
                raise BadSetting(
                    f"training: batch norm {node.name!r} would see {values} value a channel in a batch, and needs two: "
                    "raise --batch-size"
                )


def unsettled(begun: Source, trained: Source, *, updates: int) -> bool:
    """Whether some running variance still holds much of the value it began with."""
    for (_, name), (op, uses) in _norms(trained).items():
        left = (1 - op.momentum) ** (updates * uses) * begun.arrays[name].cpu()
        if bool((left > LEFT * (trained.arrays[name].cpu() + op.epsilon)).any()):
            return True
    return False


def estimate_again(
    trainee: Trainee, batches: Iterable[tuple[Tensor, Tensor]], *, device: torch.device | None = None
) -> None:
    """Put the means over `batches` of each batch's own mean and variance in place of the running ones."""
    assert isinstance(trainee, nn.Module)
    module = trainee.to(device)
    parameter = next(module.parameters())
    network = trainee.latent
    norms, arrays = _norms(network.source), network.arrays
    sums = {name: torch.zeros_like(arrays[name], dtype=torch.float64) for names in norms for name in names}
    count = 0
    was_training = module.training
    module.train()
    with torch.no_grad():
        for x, y in batches:
            for name in sums:
                arrays[name].zero_()  # what an update makes of nothing is its share of the batch's own
            trainee.loss(x.to(parameter), y.to(parameter.device), step=count, progress=1.0)
            count += 1
            for names, (op, uses) in norms.items():
                for name in names:
                    sums[name] += arrays[name].double() / (1 - (1 - op.momentum) ** uses)
        for name, total in sums.items():
            arrays[name].copy_(total / max(count, 1))
    module.train(was_training)


def measured(
    trainee: Trainee, batches: Iterable[tuple[Tensor, Tensor]], *, device: torch.device | None = None
) -> dict[str, Any]:
    """What changes in an epoch's report: accuracies on these batches, and the stages that are dead on them."""
    assert isinstance(trainee, nn.Module)
    module = trainee.to(device).eval()
    parameter = next(module.parameters())
    found = ByClass()
    total = torch.zeros(0)
    with torch.no_grad():
        for x, y in batches:
            scores, rates = trainee.scores(x.to(parameter))
            found = found.add(scores.argmax(1).cpu() == y.cpu(), y.cpu())
            total = rates.cpu() if len(total) != len(rates) else total + rates.cpu()
    reported = trainee.reported(total.tolist() or [0.0], total.tolist())
    return {
        "accuracy_validation": found.share,
        "accuracy_balanced": found.balanced,
        "accuracy_by_class": found.shares,
        "dead_stages": reported.get("dead_stages", ()),
    }


def _norms(source: Source) -> Norms:
    """The norms whose statistics training follows."""
    followed = [
        (op, (dict(node.arrays)["mean"], dict(node.arrays)["variance"]))
        for node in source.nodes
        if (op := as_batch_norm(node.op)) is not None and op.momentum > 0
    ]
    uses = Counter(names for _, names in followed)
    return {names: (op, uses[names]) for op, names in followed}
