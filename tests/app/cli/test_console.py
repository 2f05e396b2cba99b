"""Progress is for a screen: elsewhere nothing is printed; and a bar that is full goes away."""

import pytest
from rich.progress import Progress

from spikewright.app.cli.console import ProgressBars, counted, progress_bar


def test_where_stderr_is_no_screen_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        for done in range(4):
            progress("rows", done, 3)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_line_where_nothing_is_counted_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        progress("fault maps", 1, 1, note="99 %")
        progress("epochs", 0, 0, note="epoch 1/2: [loss] 0.5")
    assert capsys.readouterr().err == "epoch 1/2: [loss] 0.5\n"


def test_only_what_is_under_way_has_a_bar() -> None:
    bar = Progress(disable=True)
    progress = ProgressBars(bar)

    def shown() -> list[tuple[str, float, float | None]]:
        return [(task.description, task.completed, task.total) for task in bar.tasks]

    progress("rows", 0, 2)
    progress("exact", 10, 20)
    assert shown() == [("rows", 0, 2), ("exact", 10, 20)]
    progress("exact", 20, 20)
    progress("rows", 1, 2)
    assert shown() == [("rows", 1, 2)]
    progress("exact", 5, 30)  # the same thing again has a new one
    assert shown() == [("rows", 1, 2), ("exact", 5, 30)]
    progress("rows", 2, 2)
    progress("exact", 30, 30)
    assert shown() == []


def test_counted() -> None:
    assert [counted(number, "stage") for number in (0, 1, 2, 1234)] == [
        "0 stages",
        "1 stage",
        "2 stages",
        "1,234 stages",
    ]
