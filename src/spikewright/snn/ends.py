"""The ends of a plan: what goes in, and what is read out, each by its name."""

from dataclasses import dataclass
from typing import Annotated

from spikewright.ann.kinds import OneOf
from spikewright.ann.source import INPUT
from spikewright.data.events.preparation import EventPreparation
from spikewright.data.preparation import InputPreparation
from spikewright.snn.encoders import Encoder

OUTPUT = "output"

AnyEncoder = Annotated[Encoder, OneOf("spikewright.snn.encoders")]
AnyPreparation = InputPreparation | EventPreparation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """One input: nodes read it by its name.

    Attributes:
        shape: of one prepared sample (of one frame, where the encoder takes frames).
        encoder: how it becomes steps.
        preparation: how what a data set stores becomes it; None where that is not known.
    """

    name: str = INPUT
    shape: tuple[int, ...]
    encoder: AnyEncoder
    preparation: AnyPreparation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """One output: the accumulated value of a node."""

    name: str = OUTPUT
    node: str
