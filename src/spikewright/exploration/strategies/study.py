"""Where an Optuna study lives, and getting back to one that was stopped.

    journal       a file in the out folder, for one machine and any number of processes
    postgresql    a database, for many machines
    sqlite        a file, for one process
A trial that ran when its process was killed is ended as failed, and its parameters wait to be tried again, once. A
journal knows that from the lock on the out folder: nobody else can be at work in it. A database knows it from the
heartbeat that every trial gives, and a trial of this machine from its process being gone.
"""

import itertools
import json
import os
import socket
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spikewright.data.files import unread
from spikewright.errors import BadFile, BadSetting
from spikewright.exploration.request.settings import JOURNAL, SampleSettings

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

FILE = "study.journal"
HEARTBEAT_SECONDS, GRACE_SECONDS = 20, 60
CONNECT_SECONDS = 10
# user attributes: who runs a trial, which point it tries, and all that is known of it
OWNER, NAME, RECORD = "process", "name", "record"
DIRECTIONS = {
    "accuracy": "maximize",
    "reliability": "maximize",
    "energy": "minimize",
    "memory": "minimize",
    "latency": "minimize",
}


def opened(
    settings: SampleSettings, out: Path, *, seed: int, fits: "Callable[[optuna.Study], bool] | None" = None
) -> "optuna.Study":
    """The study, made if there is none of that name: the first of `names` that fits, if that is asked.

    Args:
        settings: storage, sampler and objectives.
        out: folder of the search.
        seed: of the sampler; give each process its own.
        fits: whether a study can go on with the space; an empty one always can.

    Raises:
        BadSetting: a storage that cannot be reached, or a study with other objectives.
        BadFile: a journal that is damaged.
    """
    import optuna  # noqa: PLC0415 - it takes a second

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = _storage(settings.storage, out)
    for name in names(settings, out):
        study = _of_name(name, storage, settings, seed)
        if fits is None or fits(study):
            return study
    raise AssertionError("names do not end")


def names(settings: SampleSettings, out: Path) -> Iterator[str]:
    """What the studies of a search are called: each time that its lists became others there is one more."""
    first = settings.study or out.resolve().name
    yield first
    yield from (f"{first}, lists {number}" for number in itertools.count(2))


def existing(settings: SampleSettings, out: Path) -> "list[optuna.Study]":
    """All studies of a search, the latest first."""
    import optuna  # noqa: PLC0415

    storage = _storage(settings.storage, out)
    there = set(optuna.get_all_study_names(storage))
    ours = list(itertools.takewhile(there.__contains__, names(settings, out)))
    return [optuna.load_study(study_name=name, storage=storage) for name in reversed(ours)]


def _of_name(name: str, storage: "BaseStorage", settings: SampleSettings, seed: int) -> "optuna.Study":
    import optuna  # noqa: PLC0415

    directions: list[Any] = [DIRECTIONS[name] for name in settings.objectives]
    sampler = _sampler(settings, seed)
    if name in optuna.get_all_study_names(storage):  # making it would write into it, which may be refused below
        study = optuna.load_study(study_name=name, storage=storage, sampler=sampler)
    else:
        study = optuna.create_study(
            storage=storage, study_name=name, directions=directions, sampler=sampler, load_if_exists=True
        )
    metrics = _metric_names(study)
    if [each.name.lower() for each in study.directions] != directions or metrics not in (None, [*settings.objectives]):
        raise BadSetting(
            f"[optuna] study {name!r} was begun with other objectives: give the same, another study or another out"
        )
    if metrics is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names of objectives count as experimental
            study.set_metric_names(list(settings.objectives))
    return study


def _metric_names(study: "optuna.Study") -> list[str] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return study.metric_names


def repair(settings: SampleSettings, out: Path) -> None:
    """Clear away what a kill may leave of a journal: its lock, and half a line at its end.

    Call it while nobody else is at work in the folder.
    """
    path = out / FILE
    if settings.storage != JOURNAL or not path.is_file():
        return
    lock = path.with_name(path.name + ".lock")
    lock.unlink(missing_ok=True)
    whole = path.read_bytes()
    end = whole.rfind(b"\n") + 1
    if end < len(whole) and _of_json(whole[:end]):  # else it is damaged, and stays as it is
        with path.open("r+b") as file:
            file.truncate(end)


def _of_json(lines: bytes) -> bool:
    try:
        for line in lines.splitlines():
            _ = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def take_up(study: "optuna.Study", settings: SampleSettings) -> int:
    """End the trials that were running when their process was killed, and put their parameters back in the queue.

    Returns:
        How many there were.
    """
    from optuna.trial import TrialState  # noqa: PLC0415

    stale = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if settings.storage == JOURNAL or _gone(trial.user_attrs.get(OWNER))
    ]
    for trial in stale:
        study.tell(trial.number, state=TrialState.FAIL)
        if trial.params:
            requeue(study, trial)
    return len(stale)


def requeue(study: "optuna.Study", trial: "optuna.Trial | FrozenTrial") -> None:
    """Have a trial's parameters tried again."""
    name = {NAME: trial.user_attrs[NAME]} if NAME in trial.user_attrs else {}
    study.enqueue_trial(trial.params, user_attrs={**name, "tried before as": trial.number})


def owner() -> str:
    """Who runs here, in words that `take_up` understands."""
    return f"{socket.gethostname()} {os.getpid()}"


def _gone(owner: Any) -> bool:
    host, _, number = str(owner or "").rpartition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(number) == os.getpid()


def _sampler(settings: SampleSettings, seed: int) -> Any:
    import optuna  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match settings.sampler:
            case "tpe":
                # what other processes are trying counts as bad, so that they do not all try the same
                return optuna.samplers.TPESampler(seed=seed, constant_liar=settings.workers > 1)
            case "nsga2":
                return optuna.samplers.NSGAIISampler(seed=seed, population_size=_population(settings))
            case "nsga3":
                return optuna.samplers.NSGAIIISampler(seed=seed, population_size=_population(settings))
            case "random":
                return optuna.samplers.RandomSampler(seed=seed)


def _population(settings: SampleSettings) -> int:
    """A generation small enough that there are about five of them."""
    return max(4, min(50, settings.trials // 5))


def _storage(where: str, out: Path) -> "BaseStorage":
    import optuna  # noqa: PLC0415
    from optuna.storages import JournalStorage, RDBStorage  # noqa: PLC0415
    from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError  # noqa: PLC0415

    if where == JOURNAL:
        out.mkdir(parents=True, exist_ok=True)
        try:
            return JournalStorage(JournalFileBackend(str(out / FILE)))
        except OSError as error:
            raise unread(out / FILE, error) from None
        except Exception as error:  # Optuna takes each line's fields as they come
            words = " ".join(str(error).split())[:200]
            raise BadFile(
                f"{out / FILE} is damaged ({type(error).__name__}: {words}): remove it, and the search samples anew"
            ) from None
    database = where.partition(":")[0].partition("+")[0]
    arguments = {"connect_timeout": CONNECT_SECONDS} if database == "postgresql" else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return RDBStorage(
                where,
                engine_kwargs={"connect_args": arguments},
                heartbeat_interval=HEARTBEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
            )
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadSetting(f"[optuna] storage {hidden(where)} is no database URL: {_words(error)}") from None
    except ImportError as error:
        raise BadSetting(
            f"[optuna] storage {hidden(where)} needs a driver ({_words(error)}): pip install 'spikewright[postgres]'"
        ) from None
    except SQLAlchemyError as error:
        raise BadSetting(
            f"[optuna] storage {hidden(where)} cannot be reached ({_words(error)}): start it, or mend the URL"
        ) from None


def hidden(url: str) -> str:
    """A URL without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":…@", 1)).geturl()


def _words(error: BaseException) -> str:
    lines: Sequence[str] = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
