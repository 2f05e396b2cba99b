"""The closed set of operations that a plan may contain; every one but max pooling is linear and has no bias.

An operation is a frozen description (geometry only) that can be applied to tensors whose first axis is a
batch of any size, [N, *features]; time is folded into that axis by the engines. Weights are passed in.
Knows nothing about spikes, codes or networks.
"""

from typing import Annotated

from pydantic import Field

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.moves import Concat, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.ann.ops.products import Conv, Linear

Weighted = Linear | Conv | Scale
Pooling = MaxPool | AdaptiveMaxPool
Averaging = AveragePool | AdaptiveAveragePool | Mean
Moving = Identity | Reshape | Permute | Slice | ZeroPad | Concat
Op = Annotated[Weighted | Averaging | Moving | Add | Pooling, Field(discriminator="kind")]
