"""Learned timesteps: α and T of every activation, trained with the weights, and the price of T.

    loss = cross-entropy + penalty · K · mean(T)                    K activations; or, with a target,
           cross-entropy + penalty · K · max(mean(T) − target, 0)
So `penalty` is the price of a step of one layer, whatever the depth. The mean is of the whole numbers
T = ⌊t + ½⌋ that the forward pass uses, its gradient that of the mean of t: the price is off as soon as the
target is met, and on again when layers that need more steps have taken them, so that the steps move to where
they are worth most. Each layer counts the same, or as many times as it has neurons, or as many as
accumulations one of its steps can cause. Knows nothing about optimisers or data.

Source: the QAC paper, section 4.2. Differs: the paper names neither its price of T nor how a real t rounds.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source, SourceNode
from spikewright.errors import BadModel, BadSetting
from spikewright.measure.cost.source_fan_out import accumulations_per_step, fired_shapes
from spikewright.measure.cost.synapses import elements
from spikewright.training.ann.levels import with_levels
from spikewright.training.timesteps.parametrisation import PARAMETRISATIONS
from spikewright.training.timesteps.rounding import learned_round, whole
from spikewright.training.timesteps.settings import TimestepSettings

ROUNDING = 1e-6  # a mean of whole numbers may come out above a target it equals


class LearnedTimesteps(nn.Module):
    """α and t of all activations of a source with levels, which are the start; call it as the interpreter's activation.

    Two parameters, `first` (what sets the resolution: t, n or d) and `second`, hold a number per activation.

    Raises:
        BadModel: no activation, or one with a threshold per channel.
        BadSetting: an activation without levels.
    """

    _caps: Tensor
    _shares: Tensor

    def __init__(self, source: Source, settings: TimestepSettings) -> None:
        super().__init__()
        self.settings = settings
        self.names = [node.name for node in source.activations]
        self._index = {name: index for index, name in enumerate(self.names)}
        if not self.names:
            raise BadModel("the network has no ReLU whose timesteps could be learned: leave out --learn-timesteps")
        alpha, t = zip(*(_start(source, node) for node in source.activations), strict=True)
        caps = [getattr(node.op, "cap", None) for node in source.activations]
        counts = torch.tensor(list(_counts(source, settings.timestep_weighting).values()), dtype=torch.float64)
        self._form = PARAMETRISATIONS[settings.parametrisation]
        real = torch.tensor(t, dtype=torch.get_default_dtype(), requires_grad=True)
        first, second = self._form.start(torch.stack(alpha), real)
        (slopes,) = torch.autograd.grad(first.sum(), real)
        self._pace = float(slopes.square().min())
        self.first, self.second = nn.Parameter(first.detach()), nn.Parameter(second.detach())
        self._before = self.first.detach().clone(), self.second.detach().clone()
        self.register_buffer("_caps", torch.tensor([float("inf") if cap is None else cap for cap in caps]))
        self.register_buffer("_shares", (counts / counts.sum().clamp(min=1)).to(first.dtype))
        self.guard()

    def forward(self, node: SourceNode, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG002
        """Round an activation's pre-activations [N, *features] as its α and t are now."""
        index = self._index[node.name]
        return learned_round(z, *self._form.alpha_and_t(self.first[index], self.second[index]))

    def penalty(self) -> Tensor:
        """What the timesteps cost, a scalar to add to the loss."""
        self._before = self.first.detach().clone(), self.second.detach().clone()
        t = self._t()
        mean = (self._shares * (t + (whole(t) - t.detach()))).sum()
        target = self.settings.target_timesteps
        excess = mean if target is None else torch.relu(mean - target * (1 + ROUNDING))
        return self.settings.price * len(self.names) * excess

    @torch.no_grad()
    def guard(self, *, settle: bool = False) -> None:
        """Keep α and t where they are allowed; call it after each step.

        Args:
            settle: take a step back that leads from below the target to above it, as at the end of training.
        """
        self._form.guard(self.first, self.second, self._caps)
        if settle and not self._met():
            after = self.first.clone(), self.second.clone()
            self._put(self._before)
            if not self._met():
                self._put(after)

    @property
    def pace(self) -> float:
        """What a rate in steps of t comes to for `first`: (∂first/∂t)² of the layer where it is least."""
        return self._pace

    @property
    def timesteps(self) -> dict[str, int]:
        """T of each activation."""
        return {name: int(steps) for name, steps in zip(self.names, whole(self._t()).tolist(), strict=True)}

    @property
    def mean(self) -> float:
        """Mean T, each activation counted once."""
        return sum(self.timesteps.values()) / len(self.names)

    def into(self, source: Source) -> Source:
        """The network with T levels and threshold α at each activation."""
        alpha, _ = self._form.alpha_and_t(self.first.detach().cpu(), self.second.detach().cpu())
        return with_levels(source, self.timesteps, dict(zip(self.names, alpha, strict=True)))

    def _met(self) -> bool:
        target = self.settings.target_timesteps
        return target is None or float((self._shares * whole(self._t())).sum()) <= target * (1 + ROUNDING)

    def _put(self, pair: tuple[Tensor, Tensor]) -> None:
        self.first.copy_(pair[0])
        self.second.copy_(pair[1])

    def _t(self) -> Tensor:
        return self._form.alpha_and_t(self.first, self.second)[1]


def timestep_account(source: Source, weighting: str = "uniform") -> dict[str, Any]:
    """A trained source's timesteps (its levels): by activation, and their mean over layers, neurons and `weighting`."""
    steps = {node.name: node.op.levels or 0 for node in source.activations if isinstance(node.op, Activating)}

    def mean(kind: str) -> float:
        counts = _counts(source, kind)
        return sum(counts[name] * steps[name] for name in steps) / max(sum(counts.values()), 1)

    return {
        "timesteps": steps,
        "timesteps_mean": mean("uniform"),
        "timesteps_mean_neurons": mean("neurons"),
        "timesteps_mean_weighted": mean(weighting),
    }


def _counts(source: Source, weighting: str) -> dict[str, int]:
    """How many times each activation counts in a mean."""
    match weighting:
        case "neurons":
            return {name: elements(shape) for name, shape in fired_shapes(source).items()}
        case "synops":
            return accumulations_per_step(source)
        case _:
            return {node.name: 1 for node in source.activations}


def _start(source: Source, node: SourceNode) -> tuple[Tensor, int]:
    """α and T that an activation has."""
    threshold = source.array(node, "threshold")
    if isinstance(node.op, Activating) and node.op.staircase:
        raise BadSetting(
            f"activation {node.name!r} is no ReLU, and learned timesteps are those of a rate code, which it has not: "
            "train with --levels, or replace the activation"
        )
    if not isinstance(node.op, Activating) or node.op.levels is None or threshold is None:
        raise BadSetting(f"activation {node.name!r} has no levels to start from: give the network levels first")
    if threshold.numel() != 1:
        raise BadModel(
            f"activation {node.name!r} has {threshold.numel()} thresholds, learned timesteps take one per layer: "
            "give it a single threshold"
        )
    return threshold.detach().reshape(()), node.op.levels
