import math
from types import SimpleNamespace

import pytest
import torch

from spikewright.ann.source import Source
from spikewright.training.ann.levels import with_levels, without_levels
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.ann.trainee import SourceTrainee
from spikewright.training.lightning_module import Fitting, warm_up_and_cosine
from spikewright.training.settings import TrainSettings
from spikewright.training.timesteps.learned import LearnedTimesteps
from spikewright.training.timesteps.settings import TimestepSettings


def test_rate_rises_and_falls_to_zero() -> None:
    factor = warm_up_and_cosine(100, 0.1)
    assert [factor(step) for step in (0, 4, 9, 10)] == pytest.approx([0.1, 0.5, 1.0, 1.0])
    assert factor(55) == pytest.approx(0.5)
    assert factor(99) == pytest.approx(0.5 * (1 + math.cos(math.pi * 89 / 90)))
    assert factor(100) == factor(120) == 0
    assert warm_up_and_cosine(1, 0.0)(0) == 1


def fitting(network: TrainableSource, settings: TrainSettings, timesteps: LearnedTimesteps | None = None) -> Fitting:
    return Fitting(SourceTrainee(network, settings, timesteps), settings, steps=10, identity={})


def test_only_weights_decay(source: Source) -> None:
    levelled = with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0})
    module = fitting(TrainableSource(levelled), TrainSettings(weight_decay=0.5))
    groups = module.configure_optimizers()["optimizer"].param_groups
    shapes = {group["weight_decay"]: sorted(tuple(p.shape) for p in group["params"]) for group in groups}
    assert shapes[0.5] == [(6, 1, 3, 3), (6, 6, 3, 3), (10, 96)]
    assert len(shapes[0.0]) == 6, "two thresholds, two of batch norm, two biases"


def test_the_loss_is_cross_entropy_plus_the_price_of_bits(source: Source) -> None:
    levelled = with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0})
    x = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    y = torch.arange(6)

    def loss(sparsity: float) -> tuple[float, float]:
        module = fitting(TrainableSource(levelled), TrainSettings(sparsity=sparsity))
        value = module.training_step((x, y), 0)
        return float(value.detach()), float(module._sums[2])

    plain, none = loss(0.0)
    priced, bits = loss(0.01)
    logits = TrainableSource(levelled).train()(x)
    by_hand = -(logits.log_softmax(1)[torch.arange(6), y]).mean().item()
    assert plain == pytest.approx(by_hand, rel=1e-5)
    assert none == 0 and bits > 1
    assert priced == pytest.approx(plain + 0.01 * bits, rel=1e-5)


def test_a_step_below_zero_is_taken_back(source: Source) -> None:
    network = TrainableSource(with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0}))
    module = fitting(network, TrainSettings())
    network.arrays["relu1.threshold"].data.fill_(-0.5)
    module.on_train_batch_end(None, None, 0)
    assert network.arrays["relu1.threshold"].item() > 0


def learning(source: Source, settings: TimestepSettings, **more: float) -> Fitting:
    levelled = with_levels(source, {"relu1": 3, "relu2": 8}, {"relu1": 1.0, "relu2": 1.0})
    timesteps = LearnedTimesteps(levelled, settings)
    network = TrainableSource(without_levels(levelled))
    training = TrainSettings(timesteps=settings, **more)  # pyright: ignore[reportArgumentType]
    return fitting(network, training, timesteps)


def timesteps_of(module: Fitting) -> LearnedTimesteps:
    assert isinstance(module.trainee, SourceTrainee)
    assert module.trainee.timesteps is not None
    return module.trainee.timesteps


@pytest.mark.parametrize(
    ("form", "pace"),  # (∂n/∂t)² = 1/(ln 2 · t)², (∂d/∂t)² = (α/t²)², least where t is 8
    [("t_alpha", 1.0), ("n_alpha", (math.log(2) * 8) ** -2), ("n_d", (math.log(2) * 8) ** -2), ("d_alpha", 8.0**-4)],
)
def test_timesteps_have_a_rate_of_their_own_and_never_decay(form: str, pace: float, source: Source) -> None:
    settings = TimestepSettings(timestep_rate=30.0, parametrisation=form)
    module = learning(source, settings, weight_decay=0.5, learning_rate=0.1)
    timesteps = timesteps_of(module)
    groups = module.configure_optimizers()["optimizer"].param_groups
    of = {id(p): group for group in groups for p in group["params"]}
    assert of[id(timesteps.first)]["initial_lr"] == pytest.approx(30 / 10 * pace)
    assert [of[id(timesteps.first)][key] for key in ("weight_decay", "momentum")] == [0, 0]
    assert [of[id(timesteps.second)][key] for key in ("weight_decay", "initial_lr")] == [0, 0.1]
    assert len(of) == len(list(module.parameters())) == sum(len(group["params"]) for group in groups)


def test_the_loss_is_cross_entropy_plus_the_price_of_timesteps(source: Source) -> None:
    x = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    y = torch.arange(6)
    levelled = with_levels(source, {"relu1": 3, "relu2": 8}, {"relu1": 1.0, "relu2": 1.0})
    plain = fitting(TrainableSource(levelled), TrainSettings()).training_step((x, y), 0)
    priced = learning(source, TimestepSettings(timestep_penalty=0.3, target_timesteps=5.0)).training_step((x, y), 0)
    assert float(priced.detach()) == pytest.approx(float(plain.detach()) + 0.3 * 2 * (5.5 - 5.0), rel=1e-5)


def test_a_step_below_one_timestep_is_taken_back(source: Source) -> None:
    module = learning(source, TimestepSettings())
    timesteps = timesteps_of(module)
    timesteps.first.data.fill_(-3.0)
    module.on_train_batch_end(None, None, 0)
    assert timesteps.first.tolist() == [1, 1]
    assert isinstance(module.trainee, SourceTrainee)
    assert [node.op.levels for node in module.trainee.result().activations] == [1, 1]


def test_every_batch_of_every_device_has_a_number_of_its_own(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    levelled = with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0})
    module, seen = fitting(TrainableSource(levelled), TrainSettings()), []
    for step in range(3):
        for rank in range(2):
            trainer = SimpleNamespace(world_size=2, global_rank=rank, global_step=step)
            monkeypatch.setattr(module, "_trainer", trainer)
            seen.append(module._batch_number)
    assert seen == list(range(6))
