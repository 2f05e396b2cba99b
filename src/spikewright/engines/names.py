"""Engines by name: the files of `runtimes/` are the list of what there is."""

from functools import cache

from spikewright.ann.kinds import classes
from spikewright.engines.runtimes import Engine
from spikewright.errors import BadSetting, SpikewrightError
from spikewright.snn.blueprint import Blueprint


@cache
def engines() -> dict[str, Engine]:
    """Every engine, by its name."""
    return {name: engine() for name, engine in classes("spikewright.engines.runtimes").items()}


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        BadSetting: there is none; those that there are are listed.
    """
    if name not in engines():
        raise BadSetting(f"no engine {name!r}: choose one of {', '.join(engines())}")
    return engines()[name]


def refusal(engine: Engine, blueprint: Blueprint) -> str | None:
    """Why an engine cannot run a network, in words, or None where it can."""
    try:
        engine(blueprint)
    except SpikewrightError as reason:
        return str(reason)
    return None
