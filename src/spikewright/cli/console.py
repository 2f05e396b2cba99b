"""How results look in a terminal: one console, one table style, progress on stderr."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

console = Console(highlight=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: int = 1) -> Table:
    """A table whose columns from the `numbers`-th on are aligned to the right."""
    made = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if index >= numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    return made


@contextmanager
def progress_bar() -> Iterator["Progressing"]:
    """A progress bar on stderr; call what it yields with (what, done, of)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Progressing(bar)


class Progressing:
    """Shows one bar for each thing that is under way."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, int] = {}

    def __call__(self, what: str, done: int, of: int) -> None:
        """`done` of `of` parts of `what` are done."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=of)
        self._bar.update(self._tasks[what], completed=done, total=of)  # pyright: ignore[reportArgumentType]
