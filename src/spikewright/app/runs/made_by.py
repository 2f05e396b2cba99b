"""What a run was made by, kept in its `about`: the same command may make it again, another one has to ask.

Knows nothing about what the settings mean.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from spikewright.errors import BadFile, BadSetting
from spikewright.interchange.run_folder import read_about

KEY = "made_by"
FOUND = ("compare", "campaigns")  # folders of a run that hold what was found on it, and go with it


def plain(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the run folder gives them back."""
    return TypeAdapter(dict[str, Any]).dump_python(dict(asked), mode="json")


def require_same(out: Path, asked: Mapping[str, Any], *, overwrite: bool) -> None:
    """Refuse to replace a run that was made from something else, or in another way.

    Args:
        out: the folder; without a run in it there is nothing to replace.
        asked: what the new run is made by, as `plain` gives it.
        overwrite: whether that is what the user wants.

    Raises:
        BadSetting: it holds another run.
    """
    if overwrite:
        return
    way_out = "add --overwrite to replace it, or choose another folder"
    try:
        about = read_about(out)
    except BadFile as error:
        raise BadSetting(f"--out {out} holds a run that is damaged ({error}): {way_out}") from None
    if about is None:
        return
    theirs = about.get(KEY)
    if not isinstance(theirs, dict):
        raise BadSetting(f"--out {out} holds a run that does not say what it was made by: {way_out}")
    differs = sorted(name for name in {*theirs, *asked} if theirs.get(name) != asked.get(name))
    if differs:
        raise BadSetting(f"--out {out} holds another run ({', '.join(differs).replace('_', ' ')} differ): {way_out}")
