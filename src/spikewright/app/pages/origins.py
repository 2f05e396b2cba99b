"""The table of where a page's figures come from: versions, date, command, and SHA-256 of networks and images.

Read from what `spikewright inject --json` writes as `provenance`, `sha256` and `against`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from spikewright.app.pages.injection_tables import Table

VERSIONS = ("spikewright", "torch", "numpy", "python")


def table_of_origins(raw: Sequence[Mapping[str, Any]]) -> Table | None:
    """One row a fact, each once; None where no object has any."""
    rows: list[tuple[str, str, str]] = []
    for each in raw:
        own = str(each.get("name") or "network")
        made = each.get("provenance")
        if isinstance(made, Mapping):
            versions = ", ".join(f"{name} {made[name]}" for name in VERSIONS if name in made)
            rows += [(own, "made by", versions)]
            rows += [(own, name, str(made[name])) for name in ("date", "command") if name in made]
        for point in (each, *each.get("curve", ())):
            rows += _hashes(point, own)
            against = point.get("against") if isinstance(point, Mapping) else None
            if isinstance(against, Mapping):
                rows += _hashes(against, str(against.get("name") or "the other network"))
    found = tuple((None, row) for row in dict.fromkeys(rows))
    note = "Files: as sha256sum gives them. Inputs (float32) and labels (int64): of the arrays as they were used."
    head = ("Network", "What", "")
    return Table(title="Where it comes from", head=head, rows=found, note=note, wraps=True) if found else None


def _hashes(raw: Any, network: str) -> list[tuple[str, str, str]]:
    sums = raw.get("sha256") if isinstance(raw, Mapping) else None
    if not isinstance(sums, Mapping):
        return []
    return [(network, f"SHA-256 of {name}", str(value)) for name, value in sums.items()]
