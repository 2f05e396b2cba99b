"""What an engine tells of one node: a stage's integer codes and spike counts, or a read-out's value."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from spikewright.snn.nodes import Firing, Node, Stage
from spikewright.snn.trains import spike_counts


@dataclass(frozen=True, slots=True)
class Record:
    """One node's result over the whole window.

    Attributes:
        node: the stage, or the read-out.
        codes: integer codes [N, *features] in floating point; for a read-out its real value.
        output: the name of the output that it reads out; None for a stage.
    """

    node: Node
    codes: Tensor
    output: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class StageRecord(Record):
    """One stage's result.

    Attributes:
        node: the stage.
        train: spikes [warm-up + T, N, *features], where the engine ran step by step; 0/1, or −1 where a law says so.
    """

    node: Stage
    train: Tensor | None = None

    @property
    def firing(self) -> Firing:
        """How the stage fired."""
        return self.node.firing

    @property
    def counts(self) -> Tensor:
        """Spikes per neuron over the window and its warm-up, [N, *features]."""
        if self.train is not None:
            return self.train.abs().sum(0)
        return spike_counts(self.codes.abs() if self.firing.law.signed else self.codes, self.firing.code)

    @property
    def spikes(self) -> Tensor:
        """Spikes of the whole stage per sample, [N], int32."""
        return self.counts.sum(tuple(range(1, self.codes.dim())), dtype=torch.int32)
