"""`spikewright search`: the spiking networks that are as accurate and as reliable as a trained one, at less energy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from spikewright.app.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from spikewright.exploration.candidates.candidate import Candidate

MOST_ROWS = 60


def search(
    config: Annotated[Path, Option(help="TOML file that says what to search (docs/search.md)")],
    out: Annotated[
        Path | None,
        options.out("folder of the result, in place of the file's"),
    ] = None,
    seed: Annotated[int | None, Option(help="in place of the file's")] = None,
    device: Annotated[str | None, Option(help="for training, in place of the file's: auto, cpu, cuda …")] = None,
    json: options.Json = None,
) -> None:
    """Search for spiking networks that pass accuracy, energy and reliability; interrupted, it goes on where it was."""
    from dataclasses import replace

    from spikewright.exploration.request.config import read

    given = {"out": out, "seed": seed, "device": device}
    settings = replace(read(config), **{name: value for name, value in given.items() if value is not None})  # pyright: ignore[reportArgumentType]

    # what is wrong in the file is said before what takes seconds to import
    from spikewright.app.cli.console import console, counted, progress_bar
    from spikewright.app.runs import search as verb
    from spikewright.errors import NoneFound

    with progress_bar() as progress:
        result = verb.run(verb.SearchRequest(settings=settings), on_progress=progress)
    options.write(json, result)
    outcome = result.outcome
    shown = outcome.candidates if len(outcome.candidates) <= MOST_ROWS else outcome.passing
    by = f"energy by {settings.gates.energy_table}, on validation"
    console.print(_table(f"{settings.out}: {counted(len(outcome.candidates), 'candidate')}, {by}", shown))
    if outcome.front is not None:
        console.print(_table(f"front, with fresh fault maps, {by}", outcome.front))
    for one in outcome.candidates:
        if one.failure is not None:
            console.print(f"{one.name} could not be made: {one.failure}")
    console.print(f"of several rates, the one that decides is shown; all figures: {settings.out / verb.RESULT}")
    console.print(f"page: {settings.out / verb.PAGE}")
    if outcome.chosen is None:
        raise NoneFound(f"search: {outcome.line}")
    console.print(outcome.line)
    if outcome.on_test is not None:
        on_test = outcome.on_test
        console.print(
            f"{on_test['name']} on the test split: accuracy {on_test['accuracy']:.2%} ({on_test['accuracy_ann']:.2%}), "
            f"reliability {on_test['reliability_mean']:.2%} ({on_test['reliability_low']:.2%} … "
            f"{on_test['reliability_high']:.2%})"
        )


def _table(title: str, rows: "Sequence[Candidate]") -> "Table":
    from spikewright.app.cli.console import table

    columns = (
        "candidate",
        "verdict",
        "accuracy",
        "to trained",
        "energy",
        "×",
        "BER",
        "reliability",
        "difference",
        "maps",
    )
    return table(title, columns, [_row(one) for one in rows], numbers=2)


def _row(one: "Candidate") -> tuple[str, ...]:
    from spikewright.app.cli.figures import joules

    found, beside = one.golden, one.beside
    if found is None or beside is None:
        return one.name, one.verdict, *("",) * 8
    less = f"{beside.energy_joules / found.energy_joules:.1f}" if found.energy_joules else "∞"
    plain = (
        f"{found.accuracy:.2%}", f"{100 * (found.accuracy - beside.accuracy):+.2f}", joules(found.energy_joules), less
    )  # fmt: skip
    if one.shown is None:
        return one.name, one.verdict, *plain, *("",) * 4
    at = one.shown.deciding
    apart = f"{100 * at.difference:+.2f} ({100 * at.difference_low:+.2f} … {100 * at.difference_high:+.2f})"
    return one.name, one.verdict, *plain, f"{at.ber:g}", f"{at.reliability_mean:.2%}", apart, f"{at.maps}"
