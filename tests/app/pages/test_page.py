"""Any page: what its file holds and does not fetch, and that it is whole or not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.read_page import Page

from spikewright.app.pages.page import legend, render, write_page
from spikewright.app.pages.palette import DARK, LIGHT
from spikewright.errors import BadFile, BadSetting


def test_a_page_holds_its_script_and_both_palettes_and_fetches_nothing() -> None:
    text = render("page.html", title="<b>", note="R&D")
    found = Page(text)
    assert (found.texts["h1"], found.texts["p"], found.fetched) == (["<b>"], ["R&D"], [])
    assert "Plotly.react(" in text
    assert all(colour in text for colour in (*LIGHT, *DARK))
    assert render("page.html", title="<b>", note="R&D") == text


def test_a_legend_has_a_colour_and_a_marker_a_name() -> None:
    made = legend([f"n{index}" for index in range(8)])
    assert [one["name"] for one in made] == [f"n{index}" for index in range(8)]
    assert (made[7]["colour"], made[7]["marker"]) == (0, "diamond")
    assert len({(one["colour"], one["marker"]) for one in made}) == 8


def test_the_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "page.html"
    write_page(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_page(path, "half of a new one")
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in path.parent.iterdir()] == ["page.html"]


def test_templates_need_plotly_only_when_they_are_rendered() -> None:
    code = "import sys, spikewright.app.pages.page; sys.exit('plotly' in sys.modules or 'jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_html_is_written_as_html(tmp_path: Path) -> None:
    for name in ("x.pdf", "x", ".html"):
        with pytest.raises(BadSetting, match=r"give a name ending in \.html or \.htm"):
            write_page(tmp_path / name, "text")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile, match="cannot be written"):
        write_page(tmp_path / "file" / "x.html", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    write_page(tmp_path / "X.HTM", "text")


def test_paper_has_a_style_of_its_own_and_buttons_a_line() -> None:
    text = render("page.html", title="a", note="").split("</style>")[0]
    assert "@media print" in text
    assert ".modebar { display: none !important; }" in text
    assert ".modebar-container { top: -1.75rem !important; }" in text
