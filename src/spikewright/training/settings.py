"""How a network is trained, and what came out: plain numbers, checked when made."""

from dataclasses import dataclass
from math import isfinite

from spikewright.errors import BadSetting
from spikewright.training.class_weights import CLASS_WEIGHTS
from spikewright.training.timesteps.settings import TimestepSettings

OPTIMISERS = ("sgd", "adam", "adamw")
PRECISIONS = ("32", "bf16-mixed", "16-mixed", "64")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Stochastic gradient descent with Nesterov momentum, or Adam; warm-up and cosine to 0, stepped every batch.

    `learning_rate` suits batch norm networks, with and without levels, at a batch of 128; without batch norm
    take 0.01; Adam (`optimiser`) wants about 1e-3. `weight_decay` acts on weights of two or more axes: not on
    thresholds, biases or batch norm. `warm_up` is the share of all steps over which the rate rises from 0.
    `class_weights` "balanced" lets every class weigh the same in the loss, however many samples it has.
    `sparsity` is the price of a bit per sample (`training/ann/sparsity.py`); `timesteps` learns a number of levels for
    each activation, and None keeps those there are.

    `augment` shifts by up to an eighth of the image and mirrors; `cutout` blanks a square of that many pixels a
    side; `autoaugment` needs the extra `augment`. Of event data, `augment` shifts alone; `mirror` mirrors half of the
    recordings, `polarity_flip` exchanges polarities and `event_drop` loses events with that probability.

    `device` is "auto", "cpu", "cuda", "cuda:1" or another accelerator of Lightning's; each of several `devices`
    takes its share of every batch.

    Raises:
        BadSetting: a number out of its range, or an unknown precision.

    Source: He et al. 2016 (rate, momentum, batch); "When SNN meets ANN" (0.02 to 0.1, decay 5e-4 not on θ).
    """

    epochs: int = 3
    batch_size: int = 128
    learning_rate: float = 0.1
    optimiser: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warm_up: float = 0.05
    label_smoothing: float = 0.0
    class_weights: str | None = None
    sparsity: float = 0.0
    timesteps: TimestepSettings | None = None
    precision: str = "32"
    device: str = "auto"
    devices: int = 1
    seed: int = 0
    augment: bool = False
    cutout: int = 0
    autoaugment: bool = False
    mirror: bool = False
    polarity_flip: float = 0.0
    event_drop: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("devices", 1), ("seed", 0), ("cutout", 0)):
            value = getattr(self, name)
            if value < least:
                raise BadSetting(f"training: {name.replace('_', '-')} is {value}: it must be {least} or more")
        for name in ("learning_rate", "momentum", "weight_decay", "warm_up", "label_smoothing", "sparsity"):
            value = getattr(self, name)
            if not isfinite(value) or value < 0:
                raise BadSetting(f"training: {name.replace('_', '-')} is {value}: it must be 0 or more")
        for name in ("momentum", "warm_up", "label_smoothing"):
            if getattr(self, name) >= 1:
                raise BadSetting(f"training: {name.replace('_', '-')} is {getattr(self, name)}: it must be below 1")
        for name in ("polarity_flip", "event_drop"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadSetting(f"training: {name.replace('_', '-')} is {getattr(self, name)}: it must be from 0 to 1")
        if self.timesteps is not None and self.sparsity > 0:
            raise BadSetting("training: sparsity prices the bits of fixed levels: leave it out, or --learn-timesteps")
        if self.class_weights not in (None, *CLASS_WEIGHTS):
            raise BadSetting(f"training: class-weights is '{self.class_weights}': choose {', '.join(CLASS_WEIGHTS)}")
        if self.optimiser not in OPTIMISERS:
            raise BadSetting(f"training: optimiser is '{self.optimiser}': choose one of {', '.join(OPTIMISERS)}")
        if self.precision not in PRECISIONS:
            raise BadSetting(f"training: precision is '{self.precision}': choose one of {', '.join(PRECISIONS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch: mean loss over its batches, top-1 on validation after it; and what its kind of network tells.

    `accuracy_balanced` is the mean of `accuracy_by_class`, in which a class without validation samples is None.
    Of a source network, bits per sample in the epoch and mean T after it; of a directly trained one, mean spikes
    a neuron and step in the epoch, and the stages that fired on no validation sample after it.
    """

    epoch: int
    loss: float
    accuracy_validation: float
    seconds: float
    bits_per_sample: float | None = None
    timesteps_mean: float | None = None
    firing_rate: float | None = None
    dead_stages: tuple[str, ...] = ()
    accuracy_balanced: float | None = None
    accuracy_by_class: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What a training came to; accuracies are shares from 0 to 1, of the last epoch's weights."""

    epochs: tuple[Epoch, ...]
    accuracy_validation: float
    accuracy_test: float
    seconds: float
