"""A sum stays; a product with a constant keeps it as its weight."""

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.conversion.stages.parts import Part, Take, Taken, as_it_is


def _scale(part: Part) -> Taken:
    return Taken(part.op, part.roles["weight"])


RULES: dict[type, Take] = {Add: as_it_is, Scale: _scale}
