"""Where verbs print to: characters that a terminal has not, a reader who leaves, a disk that is full.

What was measured is in files by the time it is printed; so what a stream refuses must not undo the work, and what
an encoding lacks is printed as people type it. Knows nothing about what is printed.
"""

import codecs
import contextlib
import io
import os
import sys
from typing import TextIO

AS_TYPED = "as_typed"  # the name of the handler, for Python's `errors=`
TYPED = {
    "×": "x", "→": "->", "←": "<-", "±": "+/-", "…": "...", "−": "-", "–": "-", "—": "-", "≠": "!=", "≤": "<=",
    "≥": ">=", "≈": "~", "∞": "inf", "µ": "u", "μ": "u", "·": "*", "⌊": "|_", "⌋": "_|", "²": "^2", "°": " deg",
    "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def typed(error: UnicodeError) -> tuple[str, int]:
    r"""What to print in place of characters that an encoding lacks: `x` for `×`, `\u4e2d` where nothing is like it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    shown = (TYPED.get(each) or each.encode("ascii", "backslashreplace").decode() for each in lacking)
    return "".join(shown), error.end


def forgive() -> None:
    """Have stdout and stderr print something in place of every character that they lack."""
    codecs.register_error(AS_TYPED, typed)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be text
            stream.reconfigure(errors=AS_TYPED)


def abandon(stream: TextIO | None) -> None:
    """Send nowhere what is left to print; the interpreter, which flushes at its end, fails no more."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # one in memory has no number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())  # pyright: ignore[reportOptionalMemberAccess]
        finally:
            os.close(nowhere)


def undelivered(stream: TextIO | None) -> OSError | None:
    """Why what waits in a stream cannot be delivered, if it cannot; it is abandoned then."""
    try:
        if stream is not None:
            stream.flush()
    except ValueError:  # closed, on purpose
        return None
    except OSError as error:
        abandon(stream)
        return error
    return None


def refusal(stream: str, error: OSError) -> str:
    """Why nothing can be printed, in a line."""
    reason = (error.strerror or str(error)).lower()
    return f"{stream} cannot be written to ({reason}): print elsewhere; what was written to files is whole"
