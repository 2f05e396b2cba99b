import pytest

from spikewright.errors import BadSetting
from spikewright.training.settings import TrainSettings
from spikewright.training.timesteps.settings import PENALTY, PENALTY_TO_TARGET, TimestepSettings


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
        ("cutout", -1),
        ("polarity_flip", -0.01),
        ("polarity_flip", 1.01),
        ("event_drop", 1.01),
    ],
)
def test_impossible_settings_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadSetting, match=name.replace("_", "-")):
        TrainSettings(**{name: value})  # pyright: ignore[reportArgumentType]


def test_what_nobody_asks_for_is_not_done() -> None:
    plain = TrainSettings()
    assert not (plain.augment or plain.autoaugment or plain.mirror)
    assert (plain.cutout, plain.polarity_flip, plain.event_drop, plain.label_smoothing, plain.sparsity) == (0,) * 5
    assert plain.class_weights is None and plain.timesteps is None and plain.devices == 1


def test_the_least_and_the_most_are_allowed() -> None:
    least = TrainSettings(
        epochs=1, batch_size=1, devices=1, seed=0, cutout=0, learning_rate=0.0, momentum=0.0, weight_decay=0.0,
        warm_up=0.0, label_smoothing=0.0, sparsity=0.0, polarity_flip=0.0, event_drop=0.0,
    )  # fmt: skip
    assert (least.epochs, least.batch_size, least.devices) == (1, 1, 1)
    assert TrainSettings(polarity_flip=1.0, event_drop=1.0).event_drop == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target_timesteps", 0.99),
        ("target_timesteps", float("nan")),
        ("target_timesteps", float("inf")),
        ("timestep_penalty", -0.1),
        ("timestep_penalty", float("inf")),
        ("timestep_rate", -1.0),
        ("timestep_weighting", "layers"),
        ("parametrisation", "alpha_t"),
    ],
)
def test_impossible_timestep_settings_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(BadSetting, match=name.replace("_", "-")):
        TimestepSettings(**{name: value})  # pyright: ignore[reportArgumentType]


def test_a_step_is_dearer_on_the_way_to_a_target() -> None:
    free, aimed = TimestepSettings(), TimestepSettings(target_timesteps=2.5)
    assert (free.price, aimed.price) == (PENALTY, PENALTY_TO_TARGET)
    assert TimestepSettings(timestep_penalty=0.0).price == 0


def test_bits_are_not_priced_where_levels_are_learned() -> None:
    with pytest.raises(BadSetting, match="sparsity"):
        TrainSettings(sparsity=1e-6, timesteps=TimestepSettings())


def test_defaults_are_possible() -> None:
    assert TrainSettings().learning_rate == 0.1
