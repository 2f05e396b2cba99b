"""The page of fault campaigns, read back as a browser reads it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.campaign_json import campaign, row
from support.read_page import Page

from spikewright.app.pages.injection import page, write_injection
from spikewright.errors import BadData

MAPS = [0.5, 0.6, 0.7, 0.8]
CANDIDATES = [
    {"name": "T<10>", "accuracy": 0.9, "energy_joules": 2e-8, "reliability_mean": 0.8, "passes": True},
    {"name": "T5", "accuracy": 0.8, "energy_joules": 1e-8, "reliability_mean": 0.7, "passes": True},
]
HARDENING = [{"name": "ECC", "accuracy_mean": 0.9, "difference": 0.1, "low": 0.05, "high": 0.12, "extra_bits": 8}]


def everything() -> list[dict[str, Any]]:
    bits = [row(f"bit:{bit}", [one + 0.1 for one in MAPS]) for bit in range(8)]
    both = [row(f"layer:{layer}/bit:{bit}", MAPS) for layer in ("fc1", "fc2") for bit in (6, 7)]
    return [
        {"name": "ANN", "curve": [campaign(MAPS, ber=ber) for ber in (1e-3, 1e-2)], "hardening": HARDENING},
        {"name": "C2", "curve": [campaign(MAPS, ber=ber) for ber in (1e-3, 1e-2)]},
        campaign(None, name="C2", scope="bit", rows=bits),
        campaign(None, name="C2", scope="cell", rows=both),
        {"candidates": CANDIDATES},
    ]


def test_everything_has_its_place() -> None:
    found = Page(page(everything(), title="TOP3 on MNIST", note="the test split"))
    assert (found.texts["h1"], found.texts["p"][0]) == (["TOP3 on MNIST"], "the test split")
    assert (found.texts["dt"], found.texts["button"]) == (["ANN", "C2"], ["ANN", "C2"])
    assert len(found.texts["dd"]) == 4
    assert found.texts["h2"] == [
        "Accuracy against bit error rate",
        "Every fault map",
        "What each bit position loses at BER 1e-2",
        "Every fault map, by bit position, at BER 1e-2",
        "Points lost by layer and bit position of C2 at BER 1e-2",
        "Accuracy and energy",
        "Reliability and energy",
        "Reliability and accuracy",
        "What hardening would buy",
        "Campaigns",
        "Layers, bits and channels",
        "Hardening",
        "Candidates",
        "How to read this page",
    ]
    assert (len(found.figures), len(found.tables)) == (9, 4)
    assert found.tables[0][1][:5] == ["ANN", "1e-3", "whole network", "90.00%", "65.00% (52.09 to 77.91)"]
    assert found.tables[2][1] == ["ECC", "ANN", "90.00%", "+10.00", "+5.00 to +12.00", "8"]
    assert found.tables[3][1][0] == "T<10>"
    assert any(text.startswith("Injected: ") for text in found.texts["p"])
    assert any("evidence for" in text for text in found.texts["p"])


def test_one_object_is_a_page_without_buttons() -> None:
    found = Page(page(campaign(MAPS, name="C2")))
    assert (found.texts["h1"], found.texts["button"]) == (["Fault campaign: C2"], [])
    assert page(campaign(MAPS, name="C2")) == page([campaign(MAPS, name="C2")])
    assert Page(page([campaign(MAPS, name=str(k)) for k in range(6)])).texts["h1"] == ["Fault campaigns: 6 networks"]


def test_a_search_alone_is_a_page() -> None:
    found = Page(page({"candidates": CANDIDATES}))
    assert (found.texts["h1"], found.texts["dt"]) == (["Search"], [])
    assert found.texts["h2"][-1] == "Candidates"


def test_names_are_text_and_never_markup() -> None:
    name = '</script><b id="x">R&D</b>'
    rows = [row(f"layer:{name}", MAPS)]
    fault = {"kind": name, "at": name}
    raw = campaign(
        None, name=name, scope="layer", rows=rows, verdict="PASS", against={"reason": name}, fault=fault, split=name
    )
    hard = [{**HARDENING[0], "name": name}]
    found = Page(page([{**raw, "hardening": hard}, {"candidates": [{**CANDIDATES[0], "name": name}]}], note=name))
    assert (found.texts["dt"], found.texts["p"][0]) == ([name], name)
    assert name in found.texts["dd"][0]
    assert [table[1][0] for table in found.tables] == [name, name, name, name]
    for figure in found.figures:
        for trace in figure["data"]:
            assert "<b id" not in str({key: value for key, value in trace.items() if key != "hovertemplate"})


def test_nothing_is_fetched() -> None:
    assert Page(page(everything())).fetched == []


def test_the_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "faults.html"
    write_injection(path, everything())
    before = path.read_bytes()
    write_injection(path, everything())
    assert path.read_bytes() == before
    for wrong in ([], {}, {"name": "x"}, {"candidates": []}):
        with pytest.raises(BadData, match="nothing to show"):
            write_injection(path, wrong)
    with pytest.raises(BadData, match="has ber 2"):
        write_injection(path, campaign(MAPS, ber=2))
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["faults.html"]


def test_plotly_is_loaded_only_for_a_page() -> None:
    code = "import sys, spikewright.app.pages.injection; sys.exit('plotly' in sys.modules or 'jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
