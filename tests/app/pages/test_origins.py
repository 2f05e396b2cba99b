"""Where figures come from, as a table: each fact once, nothing where the file is silent."""

from support.campaign_json import campaign

from spikewright.app.pages.origins import table_of_origins

MADE = {"spikewright": "1", "torch": "2", "date": "D", "command": "C"}


def test_facts_of_both_networks_each_once() -> None:
    point = campaign([0.5, 0.6], sha256={"plan.json": "aa"}, against={"name": "ann", "sha256": {"source.json": "bb"}})
    whole = {"name": "c2", "provenance": MADE, "curve": [point, point], "sha256": {"plan.json": "aa"}}
    table = table_of_origins([whole])
    assert table is not None
    assert [cells for _, cells in table.rows] == [
        ("c2", "made by", "spikewright 1, torch 2"),
        ("c2", "date", "D"),
        ("c2", "command", "C"),
        ("c2", "SHA-256 of plan.json", "aa"),
        ("ann", "SHA-256 of source.json", "bb"),
    ]


def test_a_file_that_is_silent_has_no_table() -> None:
    assert table_of_origins([campaign([0.5, 0.6]), {"candidates": []}]) is None
