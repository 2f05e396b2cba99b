"""A page of `spikewright.app.pages` read back as a browser reads it."""

import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """What a reader gets: the tables, the figures, the texts, and whatever the file would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.figures: list[dict[str, Any]] = []
        self.texts: dict[str, list[str]] = {tag: [] for tag in ("h1", "h2", "button", "p", "span", "dt", "dd")}
        self.fetched: list[str] = []
        self.within: list[str] = []
        self.feed(text)

    @property
    def table(self) -> list[list[str]]:
        """The first one."""
        return self.tables[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.fetched += [str(named[name]) for name in ("src", "href") if name in named]
        kind = "figure" if tag == "script" and named.get("class") == "figure" else tag
        if tag not in ("meta", "br"):
            self.within.append(kind)
        if kind == "figure":
            self.figures.append({})
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
        elif tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag or tag == "script"

    def handle_data(self, data: str) -> None:
        where = self.within[-1] if self.within else ""
        if where == "figure":
            self.figures[-1] = json.loads(data)
        elif where in ("th", "td"):
            self.tables[-1][-1][-1] += data.strip()
        elif where in self.texts:
            self.texts[where][-1] += data.strip()

    def lines(self, figure: int, **meta: Any) -> dict[str, dict[str, Any]]:
        """Traces by name; with `meta`, those only whose meta says so."""
        traces = self.figures[figure]["data"]
        return {trace["name"]: trace for trace in traces if meta.items() <= trace["meta"].items()}
