"""The record of a trial: a candidate comes back, and what is none is refused in one line."""

from typing import Any

import optuna
import pytest

from exploration.candidates.test_candidate import candidate
from spikewright.errors import BadFile
from spikewright.exploration.strategies.record import candidate_of, record_of
from spikewright.exploration.strategies.study import RECORD


def trial(content: Any) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(value=1.0, user_attrs={RECORD: content})


def test_a_candidate_comes_back() -> None:
    one = candidate()
    assert candidate_of(trial(record_of(one))) == one


@pytest.mark.parametrize("content", ["nan", "", "{}", "[]", '{"point": 3', None, 7, [], {}])
def test_what_is_no_candidate_is_refused(content: Any) -> None:
    with pytest.raises(
        BadFile, match=r"the study is damaged: what trial -?\d+ records is no candidate \(.*\)"
    ) as caught:
        candidate_of(trial(content))
    assert "\n" not in str(caught.value)
