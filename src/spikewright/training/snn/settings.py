"""What a directly trained network is: its neurons, how its input comes, in how many bits it is kept; plain settings.

A setting holds for the whole network. Weights of the first and the last layer, which read the input and make the
output, have a format of their own. Knows nothing about optimisers, losses or data.
"""

from dataclasses import dataclass, field
from typing import Literal, get_args

from spikewright.errors import BadSetting
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.frames import Frames
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.leaky import Leaky, Reset
from spikewright.snn.nodes import AnyFormat
from spikewright.snn.surrogate import Rectangle, Shape
from spikewright.training.snn.losses import require_loss

Encoding = Literal["direct", "rate", "frames"]
Readout = Literal["potential", "spikes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronSettings:
    """The neurons of all stages.

    Attributes:
        threshold: what a membrane must reach to fire; a spike is worth 1, whatever it is.
        leak: what is left of a membrane a step later; 1 is the integrate-and-fire neuron.
        learn_leak: train one leak a layer, from `leak`, which must then be inside (0, 1).
        reset: soft, hard or delayed.
        surrogate: what stands in for the slope of the spike.
        detach_reset: pass no gradient through the reset.
        membrane_bits: bits of a membrane between steps; None: as it is.
        squash: tanh before it is stored.

    Raises:
        BadSetting: a number out of its range.
    """

    threshold: float = 1.0
    leak: float = 1.0
    learn_leak: bool = False
    reset: Reset = "soft"
    surrogate: Shape = field(default_factory=Rectangle)
    detach_reset: bool = False
    membrane_bits: int | None = None
    squash: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.threshold < float("inf"):
            raise BadSetting(f"neurons: threshold is {self.threshold}: it must be above 0")
        if self.learn_leak and not 0 < self.leak < 1:
            raise BadSetting(f"neurons: a leak that is learned starts between 0 and 1, not at {self.leak}: set --leak")
        _ = self.law(leak=self.leak, scale=1.0)

    def law(self, *, leak: float, scale: float | None) -> Leaky:
        """The law with so much leak; `scale` is the largest stored membrane, in thresholds, None stores it as it is."""
        stored = None
        if self.membrane_bits is not None and scale is not None:
            stored = MembraneFormat(bits=self.membrane_bits, scale=scale, squash=self.squash)
        return Leaky(leak=leak, reset=self.reset, membrane=stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikingSettings:
    """A directly trained network.

    Attributes:
        timesteps: T.
        encoding: direct (the analog value at every step), rate (Bernoulli spikes) or frames (of events).
        neurons: see `NeuronSettings`.
        weights: how weights are stored between the first and the last layer; None: as they are.
        edge_weights: the same for the first and the last layer.
        readout: potential (the last layer's current, accumulated) or spikes (of neurons after the last layer).
        biases: whether matrix products and convolutions keep theirs; batch norm keeps its own.
        seed: of rate coding.

    Raises:
        BadSetting: a number out of its range, or an unknown name.
    """

    timesteps: int = 4
    encoding: Encoding = "direct"
    neurons: NeuronSettings = field(default_factory=NeuronSettings)
    weights: AnyFormat | None = None
    edge_weights: AnyFormat | None = None
    readout: Readout = "potential"
    biases: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (("encoding", self.encoding, Encoding), ("readout", self.readout, Readout)):
            if value not in get_args(known):
                raise BadSetting(f"training: {name} is '{value}': choose one of {', '.join(get_args(known))}")
        _ = self.encoder

    @property
    def encoder(self) -> Direct | Bernoulli | Frames:
        """How the input becomes a train."""
        match self.encoding:
            case "direct":
                return Direct(self.timesteps)
            case "rate":
                return Bernoulli(self.timesteps, self.seed)
            case "frames":
                return Frames(self.timesteps)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikingTraining:
    """A directly trained network and what it is trained for.

    Attributes:
        network: its neurons, input and formats.
        loss: a name of `losses.LOSSES`.
        rate_penalty: λ of the regulation of firing rates (Q-SNNs, Eq. 15); 0 regulates none.

    Raises:
        BadSetting: as `losses.require_loss` says.
    """

    network: SpikingSettings = field(default_factory=SpikingSettings)
    loss: str = "tet"
    rate_penalty: float = 0.0

    def __post_init__(self) -> None:
        require_loss(self.loss, readout=self.network.readout, rate_penalty=self.rate_penalty)
