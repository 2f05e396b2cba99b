"""What one pass does with each operation: a table from the operation's class to a rule, or to a written refusal.

A pass is a folder; each of its files holds the rules for one family of operations, in a table named `RULES`, and has
the name that the family has in `ann/ops/`. So a new family is a file in each pass, and nothing else lists it; an
operation that a pass does not know is refused by name, never taken for another.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from spikewright.ann.kinds import classes
from spikewright.ann.ops import Operation
from spikewright.errors import UnsupportedModule

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that says no: `why` completes "… cannot take the operation 'x': "."""

    why: str


class Rules(Generic[R]):
    """The rules of one pass.

    Args:
        what: the pass, for messages: "lowering to integers".
        table: a rule for each class of operation.
    """

    def __init__(self, what: str, table: Mapping[type[Operation], R | Refused]) -> None:
        self.what = what
        self.table = dict(table)

    def __getitem__(self, op: Operation) -> R:
        """The rule for an operation.

        Raises:
            UnsupportedModule: the pass refuses it, or has no rule for it; the message says which.
        """
        rule = self.table.get(type(op), Refused("no rule is written for it"))
        if isinstance(rule, Refused):
            raise UnsupportedModule(f"{self.what} cannot take the operation {op.kind!r}: {rule.why}")
        return cast(R, rule)


_STAGED = Refused("staging takes it apart before there is a plan")


def gathered(what: str, folder: str, *, of_plans: bool = False) -> Rules[Any]:
    """The rules that the files of a folder hold.

    Args:
        what: the pass, for messages.
        folder: a package by its full name, such as `spikewright.engines.lower.folding`.
        of_plans: it runs over plans, where what only sources hold cannot be met.

    Raises:
        TypeError: two files hold a rule for one operation.
    """
    package, table = importlib.import_module(folder), dict[type[Operation], Any]()
    if of_plans:
        for op in classes("spikewright.ann.ops").values():
            if not op.in_plan:
                table[op] = _STAGED
    for file in pkgutil.iter_modules(package.__path__):
        rules = vars(importlib.import_module(f"{folder}.{file.name}")).get("RULES", {})
        for kind in rules:
            if kind in table:
                raise TypeError(f"{folder} has two rules for {kind.__name__}")
        table.update(rules)
    return Rules(what, table)
