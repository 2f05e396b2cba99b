import pytest

from spikewright.errors import BadSetting
from spikewright.training.settings import TrainSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("devices", 0),
        ("seed", -1),
        ("learning_rate", -0.1),
        ("learning_rate", float("nan")),
        ("weight_decay", float("inf")),
        ("sparsity", -1e-9),
        ("momentum", 1.0),
        ("warm_up", 1.0),
        ("label_smoothing", 1.0),
        ("precision", "8"),
    ],
)
def test_impossible_settings_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadSetting, match=name.replace("_", "-")):
        TrainSettings(**{name: value})  # pyright: ignore[reportArgumentType]


def test_defaults_are_possible() -> None:
    assert TrainSettings().learning_rate == 0.1
