"""`hf:FOLDER`, `hf:config.json`, `hf:CLASS`: a network of transformers, from this machine alone.

A folder that `save_pretrained` wrote gives the network with its weights; a configuration without weights beside it, or
the name of a class, gives a fresh one. Code that a folder brings is not run.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from torch import nn

from spikewright.errors import BadModel
from spikewright.models.packages import Sizes, imported, one_line

CONFIGURATION = "config.json"
_STORED = ("*.safetensors", "pytorch_model*.bin")
_SHOWN = 3


class Transformers:
    """Transformers, https://github.com/huggingface/transformers."""

    def require(self, name: str) -> None:
        """Refuse what is neither a folder with a configuration, nor a configuration, nor a class.

        Raises:
            BadModel: it is none, or transformers is not installed.
        """
        package = imported("transformers", f"hf:{name}")
        if _configuration(name) is None and _class(package, name) is None:
            raise BadModel(
                f"model 'hf:{name}' is no folder with a {CONFIGURATION}, no such file, and no class of transformers: "
                "give a folder that save_pretrained wrote (nothing is downloaded)"
            )

    def has_weights(self, name: str) -> bool:
        """Whether they lie beside its configuration."""
        found = _configuration(name)
        return found is not None and found.name == CONFIGURATION and _has_stored(found.parent)

    def build(self, name: str, sizes: Sizes, arrays: Mapping[str, Any]) -> nn.Module:  # noqa: ARG002 - as it is written
        """The network; what it takes and gives is in its configuration.

        Raises:
            BadModel: transformers cannot make it, or weights beside the configuration lack a part of it.
        """
        package = imported("transformers", f"hf:{name}")
        found = _configuration(name)
        try:
            if found is None:
                made = _class(package, name)
                assert made is not None  # as `require` says
                return made(made.config_class())
            given = package.AutoConfig.from_pretrained(found.parent / found.name, trust_remote_code=False)
            named = (_class(package, each) for each in getattr(given, "architectures", None) or ())
            made = next((each for each in named if each is not None), None)
            if not self.has_weights(name):
                return package.AutoModel.from_config(given, trust_remote_code=False) if made is None else made(given)
            with _quietly(package):
                network, account = (made or package.AutoModel).from_pretrained(
                    found.parent, config=given, local_files_only=True, output_loading_info=True
                )
        except Exception as error:
            raise BadModel(f"model 'hf:{name}': transformers cannot make it: {one_line(error)}") from error
        missing = sorted(account["missing_keys"])
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise BadModel(f"model 'hf:{name}': its weights lack {', '.join(missing[:_SHOWN])}{more}: save it whole")
        return network.float()


@contextmanager
def _quietly(package: Any) -> Iterator[None]:
    """Without the bars and reports of loading: what is missing is said by an error."""
    logging = package.utils.logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)


def _configuration(name: str) -> Path | None:
    """The file of a configuration that a name means, if there is one."""
    path = Path(name) / CONFIGURATION if Path(name).is_dir() else Path(name)
    return path if path.suffix == ".json" and path.is_file() else None


def _has_stored(folder: Path) -> bool:
    return any(True for pattern in _STORED for _ in folder.glob(pattern))


def _class(package: Any, name: str) -> Any:
    """A class of the package that is a network with a configuration of its own; None: there is none of that name."""
    try:
        found = getattr(package, name, None) if name.isidentifier() else None
    except Exception as error:
        raise BadModel(f"model 'hf:{name}': importing it failed with {one_line(error)}") from error
    is_network = isinstance(found, type) and issubclass(found, nn.Module)
    return found if is_network and getattr(found, "config_class", None) is not None else None
