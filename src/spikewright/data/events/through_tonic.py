"""tonic's readers of event files, imported when one is needed: tonic takes two seconds, and not everybody has it.

tonic is by Lenz et al., https://tonic.readthedocs.io.
"""

import importlib
from pathlib import Path
from typing import Any

from spikewright.errors import BadSetting


def reader(name: str, *, file: Path) -> Any:
    """Return the function `name` of `tonic.io`; `file` is what it is wanted for, in the message.

    Raises:
        BadSetting: tonic is not installed.

    """
    try:
        module = importlib.import_module("tonic.io")
    except ModuleNotFoundError as error:
        raise BadSetting(
            f"{file}: reading it takes {error.name}, which is not installed: pip install 'spikewright[events]'"
        ) from error
    return getattr(module, name)
