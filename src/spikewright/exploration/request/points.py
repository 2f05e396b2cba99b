"""One configuration of a search: what is trained or converted, and in how many bits; plain numbers with a name.

    Trained: (timesteps, threshold, neuron, leak) → a training;  bits → its weights afterwards
    Converted: (method, timesteps or their mean) → a conversion;  bits → its weights afterwards
Names are file names, and different points have different ones.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A spiking network to be trained: T, threshold, neuron (`if` or `lif`, with its leak), bits of its weights."""

    timesteps: int
    threshold: float
    bits: int
    neuron: str = "if"
    leak: float | None = None

    @property
    def made_name(self) -> str:
        """The name of the training, which points that differ in bits alone share."""
        leak = "" if self.leak is None else number(self.leak)
        return f"t{self.timesteps}_th{number(self.threshold)}_{self.neuron}{leak}"

    @property
    def name(self) -> str:
        """The name of the point."""
        return f"{self.made_name}_b{self.bits}"

    @property
    def settings(self) -> dict[str, Any]:
        """The point as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A conversion: a method with its settings (`cos:rounds=3`), T for all layers or their mean T, bits of weights."""

    method: str
    bits: int
    timesteps: int | None = None
    mean_timesteps: float | None = None

    @property
    def made_name(self) -> str:
        """The name of the conversion, which points that differ in bits alone share."""
        steps = f"t{self.timesteps}" if self.timesteps is not None else f"m{number(self.mean_timesteps or 0.0)}"
        # '-' for ':' and anything else that file systems may refuse; '%' keeps different specs apart
        method = re.sub(r"[^\w=.,-]", lambda found: f"%{ord(found[0]):x}", self.method.replace(":", "-"))
        return f"{method}_{steps}"

    @property
    def name(self) -> str:
        """The name of the point."""
        return f"{self.made_name}_b{self.bits}"

    @property
    def settings(self) -> dict[str, Any]:
        """The point as plain data."""
        return asdict(self)


Point = Trained | Converted


def number(value: float) -> str:
    """A number in as few digits as tell it apart from every other: 0.5, 1, 0.30000000000000004."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))
