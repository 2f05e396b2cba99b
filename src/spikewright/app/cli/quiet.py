"""`--quiet` for every verb: nothing is printed but what is wrong; the exit code, files and `--json` say the rest."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from typer import Option

Quiet = Annotated[bool, Option("--quiet", "-q", help="print nothing but errors; figures: --json")]


def with_quiet(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with that option, the last of its own."""

    @functools.wraps(verb)
    def run(*, quiet: bool = False, **given: Any) -> None:
        if quiet:
            from spikewright.app.cli.console import quietly

            with quietly():
                verb(**given)
        else:
            verb(**given)

    own = inspect.signature(verb)
    option = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
    run.__signature__ = own.replace(parameters=[*own.parameters.values(), option])  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {**verb.__annotations__, "quiet": Quiet}
    return run
