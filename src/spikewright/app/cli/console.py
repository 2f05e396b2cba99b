"""How results look in a terminal: one console, one table style, progress on stderr."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from spikewright.app.cli.streams import abandon, refusal
from spikewright.errors import BadFile


class Printer(Console):
    """A console whose reader may leave; what it cannot deliver for another reason is refused, once."""

    def print(self, *objects: Any, **how: Any) -> None:
        """As `rich` does it.

        Raises:
            BadFile: the stream takes no more, as where it is a file on a full disk.
        """
        try:
            super().print(*objects, **how)
        except OSError as error:
            self._give_up()
            if not self.stderr:  # progress is a courtesy
                raise BadFile(refusal("stdout", error)) from None

    def on_broken_pipe(self) -> None:
        """Print no more, and go on: files, and the exit code, are still to come."""
        self._give_up()

    def _give_up(self) -> None:
        self.quiet = True
        abandon(sys.stderr if self.stderr else sys.stdout)


# What users named is printed as it is: no markup, and no wrapping where nobody looks at a screen
_seen = sys.stdout is not None and sys.stdout.isatty()
console = Printer(highlight=False, markup=False, emoji=False, soft_wrap=not _seen, width=None if _seen else 160)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: int = 1) -> Table:
    """A table whose columns from the `numbers`-th on are aligned to the right."""
    made = Table(title=Text(title), title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if index >= numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


@contextmanager
def progress_bar() -> Iterator["ProgressBars"]:
    """Bars on stderr, if that is a screen, and lines worth keeping in any case."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = Printer(stderr=True, highlight=False, markup=False, emoji=False, quiet=console.quiet)
    with RichProgress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        yield ProgressBars(bar)


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing is printed in here, and no progress shown."""
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


class ProgressBars:
    """A `Progress` that shows one bar for each thing that is under way."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int, /, note: str = "") -> None:
        """A bar that is full goes away; `note` stands beside its name, or is a line where nothing is counted."""
        if not total and note:
            self._bar.console.print(note, soft_wrap=True)
            return
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        shown = f"{what}: {note}" if note else what
        self._bar.update(self._tasks[what], completed=done, total=total, description=shown)
        if done >= total:
            self._bar.remove_task(self._tasks.pop(what))


def counted(number: int, noun: str) -> str:
    """'1 stage', '2 stages'."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
