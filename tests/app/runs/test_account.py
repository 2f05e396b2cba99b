"""What a trained run says of itself; what it says as a whole is tested with the training."""

from dataclasses import replace

import pytest
from support.trained import classifier, digits

from spikewright.app.runs.account import asked, of_levels
from spikewright.training.settings import TrainSettings

SETTINGS = TrainSettings(epochs=1)


def test_what_a_training_follows_from() -> None:
    found = asked(classifier(), digits(), SETTINGS, levels=3)
    assert found == asked(classifier(), digits(), replace(SETTINGS, device="cuda"), levels=3)
    for other in (
        asked(classifier(5, 5), digits(), SETTINGS, levels=3),
        asked(classifier(), replace(digits(), fingerprint="other"), SETTINGS, levels=3),
        asked(classifier(), digits(), replace(SETTINGS, seed=1), levels=3),
        asked(classifier(), digits(), SETTINGS, levels=4),
    ):
        assert sum(found[name] != other[name] for name in found) == 1


@pytest.mark.parametrize(("levels", "said"), [((5, 5), 5), ((5, 7), [5, 7]), ((), None)])
def test_levels_are_one_number_where_they_are_alike(levels: tuple[int, ...], said: object) -> None:
    assert of_levels(classifier(*levels), SETTINGS) == {"levels": said}
