"""Fault campaigns as one self-contained HTML page: figures in words, charts with intervals, and tables.

What it is handed is the JSON of `spikewright inject --json`, of one network or of several side by side; besides, or
instead, the `candidates` of a search (and its `front`, those of them that were measured again, as its result file has
them), and `hardening`, a list of alternatives with `name`, `accuracy_mean`, `difference`, `low`, `high`, `extra_bits`.
Accuracies and differences are shares. Every number comes from there: nothing is computed here but golden minus mean
accuracy and the Pareto front. Same input, same bytes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikewright.app.pages.campaign import WAY_OUT, campaigns
from spikewright.app.pages.candidates import Candidate, Hardening, candidates, hardening, renewed
from spikewright.app.pages.fields import Fields
from spikewright.app.pages.front_charts import differences, fronts
from spikewright.app.pages.injection_charts import charts
from spikewright.app.pages.injection_tables import table_of_candidates, table_of_hardening, tables
from spikewright.app.pages.injection_words import injected, paragraphs
from spikewright.app.pages.origins import table_of_origins
from spikewright.app.pages.page import legend, render, write_page
from spikewright.errors import BadData

Found = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def write_injection(path: Path, found: Found, *, title: str = "", note: str = "") -> None:
    """Write the page, under another name first, so that an interrupted run leaves no half of one.

    Args:
        path: the HTML file; its folder is made if need be.
        found: as for `page`.
        title: as for `page`.
        note: as for `page`.

    Raises:
        BadData: as `page` does; nothing is written then.
    """
    write_page(path, page(found, title=title, note=note))


def page(found: Found, *, title: str = "", note: str = "") -> str:
    """The page as HTML.

    Args:
        found: one JSON object, or several; networks keep their order, and objects of one `name` are one network.
        title: the heading; "" makes one of the networks' names.
        note: a sentence below it, such as the data and its split.

    Raises:
        BadData: there is nothing to show, a figure is missing, or a figure cannot be.
    """
    raw = [found] if isinstance(found, Mapping) else list(found)
    read = campaigns(raw)
    searched, hardened = _of_search(raw), _of_hardening(raw)
    if not read and not searched and not hardened:
        raise BadData(f"nothing to show: no fault campaign, no candidates, no hardening: {WAY_OUT}")
    networks = list(dict.fromkeys(one.network for one in read))
    drawn = [*charts(read), *fronts(searched)]
    shown = tables(read)
    if hardened:
        alternatives = [one for those in hardened.values() for one in those]
        drawn.append(differences(alternatives))
        shown.append(table_of_hardening(hardened))
    if searched:
        shown.append(table_of_candidates(searched))
    if origins := table_of_origins(raw):
        shown.append(origins)
    return render(
        "injection.html",
        title=title or _title(networks, [one.fault for one in read]),
        note=note,
        networks=legend(networks),
        findings=[(name, paragraphs([one for one in read if one.network == name])) for name in networks],
        injected=injected(read),
        figures=[chart.values() for chart in drawn],
        tables=shown,
    )


def _title(networks: Sequence[str], faults: Sequence[str]) -> str:
    if not networks:
        return "Search"
    shown = ", ".join(networks) if len(networks) <= 5 else f"{len(networks)} networks"
    kinds = [one for one in dict.fromkeys(faults) if one not in ("", "bit flip")]
    fault = f", {kinds[0]}" if len(kinds) == 1 and len(set(faults)) == 1 else ""
    return f"Fault campaign{'s' if len(networks) > 1 else ''}: {shown}{fault}"


def _of_search(raw: Sequence[Any]) -> list[Candidate]:
    """The candidates of all objects; those of a front that was measured again have the figures of that."""
    found: list[Candidate] = []
    for index, each in enumerate(raw):
        fields = Fields(raw=each, what=f"object {index + 1}", way_out=WAY_OUT)
        found += renewed(candidates(fields.items("candidates")), candidates(fields.items("front")))
    return found


def _of_hardening(raw: Sequence[Any]) -> dict[str, list[Hardening]]:
    found: dict[str, list[Hardening]] = {}
    for index, each in enumerate(raw):
        fields = Fields(raw=each, what=f"object {index + 1}", way_out=WAY_OUT)
        alternatives = hardening(fields.items("hardening"))
        if alternatives:
            found.setdefault(fields.text("name", "the network"), []).extend(alternatives)
    return found
