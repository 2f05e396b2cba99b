"""Networks that have no state dict: their numbers are laid out for one engine, and no longer those of the blueprint.

An empty state dict would say that there is nothing to keep, and take any other for its own.
"""

from typing import Any, NoReturn

from spikewright.errors import BadModel


class Stateless:
    """Refuses what would save or load nothing; put before `nn.Module` among the bases."""

    def state_dict(self, *_: Any, **__: Any) -> NoReturn:
        """Refused.

        Raises:
            BadModel: always.
        """
        raise _refusal(self)

    def load_state_dict(self, *_: Any, **__: Any) -> NoReturn:
        """Refused.

        Raises:
            BadModel: always.
        """
        raise _refusal(self)

    def _load_from_state_dict(self, *_: Any, **__: Any) -> NoReturn:
        raise _refusal(self)


def _refusal(network: object) -> BadModel:
    return BadModel(
        f"{type(network).__name__} has no state dict: its numbers are laid out for one engine: save the network that "
        "it was made from, and make it again"
    )
