"""The ends of a plan: what goes in, and what is read out, each by its name."""

from dataclasses import dataclass
from typing import Annotated

from spikewright.ann.ends import INPUT, OUTPUT, value_shape
from spikewright.ann.kinds import OneOf
from spikewright.data.events.preparation import EventPreparation
from spikewright.data.preparation import InputPreparation
from spikewright.snn.encoders import Encoder

AnyEncoder = Annotated[Encoder, OneOf("spikewright.snn.encoders")]
AnyPreparation = InputPreparation | EventPreparation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """One input: nodes read it by its name.

    Attributes:
        shape: of one prepared sample (of one frame, where the encoder takes frames).
        encoder: how it becomes steps.
        preparation: how what a data set stores becomes it; None where that is not known.
        ids: None for real numbers; else it takes ids from 0 to `ids` − 1, each a one among zeros.
    """

    name: str = INPUT
    shape: tuple[int, ...]
    encoder: AnyEncoder
    preparation: AnyPreparation | None = None
    ids: int | None = None

    @property
    def value_shape(self) -> tuple[int, ...]:
        """The shape of one step's value, as nodes read it."""
        return value_shape(self.shape, self.ids)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample: with a time axis first where the encoder takes frames."""
        return (self.encoder.steps, *self.shape) if self.encoder.timed else self.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """One output: the accumulated value of a node."""

    name: str = OUTPUT
    node: str
