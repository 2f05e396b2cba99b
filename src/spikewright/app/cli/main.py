"""`spikewright`: assembles the verbs, and turns errors into one line and an exit code.

0 done; 1 the network does not meet what was asked; 2 bad input; 130 interrupted.
"""

import os
import sys

import typer

from spikewright.app.cli.bench import bench
from spikewright.app.cli.bounds import bounded, require_no_gaps
from spikewright.app.cli.check import check
from spikewright.app.cli.compare import compare
from spikewright.app.cli.convert import convert
from spikewright.app.cli.demo import demo
from spikewright.app.cli.doctor import doctor
from spikewright.app.cli.evaluate import evaluate
from spikewright.app.cli.inject import inject
from spikewright.app.cli.memory import memory
from spikewright.app.cli.quiet import with_quiet
from spikewright.app.cli.search import search
from spikewright.app.cli.streams import forgive, refusal, undelivered
from spikewright.app.cli.train import train
from spikewright.app.cli.verify import verify
from spikewright.errors import NoneFound, SpikewrightError

INTERRUPTED = 130
SPIN = ("GOMP_SPINCOUNT", "10000")  # idle threads give up their core after microseconds, not milliseconds
LONGEST_LINE = 4000  # characters: a file may name things at any length

app = typer.Typer(
    name="spikewright",
    help="A trained PyTorch network in, a spiking network out, proven equal to it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (demo, train, check, convert, verify, evaluate, compare, inject, search, bench, memory, doctor):
    app.command(name=verb.__name__)(with_quiet(bounded(verb)))


@app.callback(invoke_without_command=True)
def about(
    version: bool = typer.Option(False, "--version", help="print the version and leave"),
) -> None:
    """A trained PyTorch network in, a spiking network out, proven equal to it."""
    if version:
        from spikewright import __version__

        print(f"spikewright {__version__}")
        raise typer.Exit


# Typer carries its own copy of click in newer versions: take the class from what Typer itself raises.
_UsageError = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main() -> None:
    """Run a verb and leave with its exit code."""
    os.environ.setdefault(*SPIN)  # read when torch is loaded
    forgive()
    try:
        require_no_gaps(sys.argv[1:])
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # while what is refused can still be said
    except NoneFound as error:
        _refuse(str(error))
        code = 1
    except SpikewrightError as error:
        code = _refuse(str(error))
    except _UsageError as error:  # pyright: ignore[reportGeneralTypeIssues]
        code = _refuse(error.format_message())
    except MemoryError as error:
        code = _refuse(f"there is not enough memory for this ({error or 'no details'}): ask for less at once")
    except OSError as error:
        code = _of_system(error)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:  # some versions of Typer return it in place of raising
        print("spikewright: interrupted; what was finished is kept", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _of_system(error: OSError) -> int:
    lost = undelivered(sys.stdout)
    if isinstance(lost, BrokenPipeError):  # as after `| head`: whoever asked has seen enough
        return 0
    return _refuse(_of_files(error) if lost is None else refusal("stdout", lost))


def _of_files(error: OSError) -> str:
    """What the file system refused where nobody knew better."""
    name = error.filename2 or error.filename
    where = "a file" if name is None else os.fsdecode(name) if isinstance(name, (str, bytes)) else str(name)
    reason = (error.strerror or str(error)).lower()
    return f"{where}: {reason}: see that it is there, can be read or written, and that the disk has room"


def _refuse(message: str) -> int:
    line = " ".join(message.split())
    shown = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"
    print(f"spikewright: {shown}", file=sys.stderr)
    return 2
