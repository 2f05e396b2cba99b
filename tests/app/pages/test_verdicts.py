"""Verdicts as a page says them: of requirements, of another network, and of both."""

from typing import Any

import pytest
from support.campaign_json import campaign

from spikewright.app.pages.campaign import campaigns
from spikewright.app.pages.injection_words import paragraphs
from spikewright.errors import BadData

MET = {"requirement": "accuracy at least 90 %", "verdict": "FAIL", "reason": "all below 0", "way": "strict"}
AGAINST = {"name": "ann", "of": "source", "margin": 0.01, "way": "normal", "verdict": "PASS", "accuracy_mean": 0.6}


def said(**more: Any) -> str:
    return paragraphs(campaigns([campaign([0.5, 0.6, 0.7], **more)]))[1]


def test_requirements_alone_and_beside_another_network() -> None:
    own = "Verdict: FAIL. Accuracy at least 90 %: FAIL, all below 0 (strict way)."
    assert said(verdict="FAIL", requirements=[MET]) == own
    both = said(verdict="FAIL", requirements=[MET], against=AGAINST)
    assert both.startswith(f"{own} Against another network: PASS, shown to be no worse than the other network")
    assert "Compared with ann (source), margin 1 points, decided the normal way." in both


def test_another_word_is_refused() -> None:
    with pytest.raises(BadData, match="has verdict 'MAYBE'"):
        said(verdict="maybe")
