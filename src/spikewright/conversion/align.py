"""Where trains of different length meet: which alignment each edge of a plan gets.

A stage runs its own number of steps, and a node that only passes values on runs as many as the stage it feeds
(the longest, where it feeds several). An edge whose train has another length is aligned there; with averaging,
so is one of the same length, as then every stage receives a constant current and the network is exact.

Source: QAC, §4.3 and Table 4 (one choice for expansion, one for reduction).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spikewright.ann.kinds import classes
from spikewright.errors import BadSetting
from spikewright.snn.alignments import Alignment
from spikewright.snn.alignments.average import Average
from spikewright.snn.nodes import Edge, Node, Stage


def alignments() -> Mapping[str, type[Alignment]]:
    """Every alignment by its name; each is made of a number of steps."""
    return classes("spikewright.snn.alignments")


@dataclass(frozen=True, slots=True)
class Joining:
    """How trains are aligned.

    Attributes:
        expansion: to more steps: average or replicate.
        reduction: to fewer steps: average, replicate (which skips steps) or truncate.
    """

    expansion: str
    reduction: str

    def __post_init__(self) -> None:
        for name in (self.expansion, self.reduction):
            if name not in alignments():
                raise BadSetting(f"no alignment named {name!r}: choose among {', '.join(alignments())}")
        if not alignments()[self.expansion].expands:
            able = [name for name, kind in alignments().items() if kind.expands]
            raise BadSetting(
                f"alignment: {self.expansion} cannot expand a train: choose {' or '.join(able)} for expansion, "
                f"as in average,{self.expansion}"
            )

    @classmethod
    def parse(cls, text: str) -> "Joining":
        """'average', or 'expansion,reduction' such as 'replicate,truncate'.

        Raises:
            BadSetting: an unknown name, more than two, or one for expansion that cannot expand.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) > 2:
            raise BadSetting(f"alignment {text!r}: give one name, or two as expansion,reduction")
        return cls(parts[0], parts[-1])

    @property
    def exact(self) -> bool:
        """Whether every stage receives a constant current."""
        return self.expansion == self.reduction == "average"

    def align(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """The nodes with alignments on their edges; an input's train is one graded step."""
        wanted = _steps_wanted(nodes)
        length: dict[str, int] = {}
        aligned = []
        for node in nodes:
            steps = wanted[node.name] if node.op.linear else None
            edges = []
            for edge in node.edges:
                alignment = None if steps is None else self._between(length.get(edge.source, 1), steps)
                edges.append(Edge(edge.source, alignment))
            arriving = [
                length.get(edge.source, 1) if edge.alignment is None else edge.alignment.timesteps for edge in edges
            ]
            passes = max(arriving) if node.op.linear else 1
            length[node.name] = node.firing.code.steps if isinstance(node, Stage) else passes
            aligned.append(replace(node, edges=tuple(edges)))
        return tuple(aligned)

    def _between(self, given: int, steps: int) -> Alignment | None:
        if given == steps:
            return Average(steps) if self.exact and given > 1 else None
        return alignments()[self.expansion if given < steps else self.reduction](timesteps=steps)  # pyright: ignore[reportCallIssue]


def _steps_wanted(nodes: Sequence[Node]) -> dict[str, int | None]:
    """How many steps each node runs: its own, or the most of those it feeds; None before the read-out alone."""
    wanted: dict[str, int | None] = {node.name: None for node in nodes}
    passes = {node.name for node in nodes if not isinstance(node, Stage)}
    for node in reversed(nodes):
        if isinstance(node, Stage) and not node.firing.schedule.waits:  # one that waits takes trains of any length
            wanted[node.name] = node.firing.code.steps
        steps = wanted[node.name]
        if steps is not None and node.op.linear:  # what is not takes totals of any length
            for name in passes.intersection(node.inputs):
                wanted[name] = max(steps, wanted[name] or 0)
    return wanted
