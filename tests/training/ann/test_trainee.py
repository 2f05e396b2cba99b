"""Towards the end of training, learned timesteps no longer rise above their target."""

from types import SimpleNamespace
from typing import Any

import pytest

from spikewright.training.ann import trainee as module


@pytest.mark.parametrize(("progress", "settles"), [(0.0, False), (0.899, False), (0.9, True), (1.0, True)])
def test_from_nine_tenths_of_all_steps_on_a_step_out_of_the_target_is_taken_back(
    progress: float, settles: bool
) -> None:
    seen: list[Any] = []
    steps = SimpleNamespace(guard=lambda *, settle: seen.append(settle))
    network = SimpleNamespace(clamp_thresholds=lambda: seen.append("clamped"))
    for timesteps, expected in ((steps, ["clamped", settles]), (None, ["clamped"])):
        seen.clear()
        module.SourceTrainee.after_step(SimpleNamespace(network=network, timesteps=timesteps), progress)  # pyright: ignore[reportArgumentType]
        assert seen == expected
