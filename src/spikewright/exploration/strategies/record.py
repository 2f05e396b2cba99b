"""What a trial's record says of its candidate; a study may have been edited or damaged where it lives."""

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from spikewright.errors import BadFile
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.strategies.study import RECORD

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_CANDIDATE = TypeAdapter(Candidate)


def record_of(one: Candidate) -> str:
    """All that is known of a candidate, as a trial has it under `RECORD`."""
    return _CANDIDATE.dump_json(one).decode()


def candidate_of(trial: "FrozenTrial") -> Candidate:
    """What `record_of` was given.

    Raises:
        BadFile: the record is none.
    """
    try:
        return _CANDIDATE.validate_json(trial.user_attrs[RECORD])
    except (ValidationError, TypeError, ValueError) as error:
        words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        reason = " ".join(words.split())[:200]
        raise BadFile(
            f"the study is damaged: what trial {trial.number} records is no candidate ({reason}): "
            "give another out, or another [optuna] study"
        ) from None
