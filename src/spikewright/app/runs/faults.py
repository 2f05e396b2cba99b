"""Faults from their names and settings as a person gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from spikewright.app.registry import configure, find, names
from spikewright.errors import BadSetting, nearest
from spikewright.reliability.faults import Fault

RATES = ("ber", "rate")  # how the kinds call the rate of what they do


def fault_of(kind: str, settings: Mapping[str, Any], ber: float | None) -> Fault:
    """A fault by its name, its settings as text, and its rate, which is `ber` or `rate` in it.

    Raises:
        BadSetting: as `registry.find` and `registry.configure` do; a rate where the kind has none.
    """
    cls = find("faults", kind)
    given: dict[str, Any] = dict(settings)
    if ber is not None:
        known = {each.name for each in fields(cls)}
        name = next((name for name in RATES if name in known), None)
        if name is None:
            raise BadSetting(
                f"fault {kind!r} has no rate: leave out --ber; its settings are {', '.join(sorted(known))}"
            )
        if name in given:
            raise BadSetting(f"fault {kind!r}: --ber and --set {name}= say the same: leave out one")
        given[name] = ber
    return configure(cls, given)


def settings_of(fault: Fault) -> dict[str, str]:
    """All that a fault was set to, by name, as text; what is not set is left out, and lists are counted."""
    given = {each.name: getattr(fault, each.name) for each in fields(fault) if each.name != "kind"}  # pyright: ignore[reportArgumentType]
    return {name: _as_text(value) for name, value in given.items() if value is not None}


def _as_text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return f"listed in {len(value)} layers" if isinstance(value, Mapping) else str(value)


@dataclass(frozen=True, slots=True)
class FaultAt:
    """The fault that a search file's table [faults] describes, at any rate: of bits, or for kinds that know none,
    of neurons, spikes or pixels.

    Raises:
        BadSetting: no such kind, or its rate among the settings; the table and key are named.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = names("faults")
        if self.kind not in known:
            raise BadSetting(f"[faults] kind: there is no {self.kind!r}: {nearest(self.kind, known)}")
        if self._rate in self.settings:
            raise BadSetting(f"[faults.settings] {self._rate} is what [faults] ber says: leave it out")

    @property
    def _rate(self) -> str:
        return next(name for name in RATES if name in find("faults", self.kind).__dataclass_fields__)

    def __call__(self, rate: float) -> Fault:
        """The fault at that rate.

        Raises:
            BadSetting: a setting that the kind does not have or take.
        """
        try:
            return configure(find("faults", self.kind), {**self.settings, self._rate: rate})
        except BadSetting as error:
            raise BadSetting(f"[faults] {error}") from None
