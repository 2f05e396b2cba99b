"""A directly trained spiking network: latent weights, live batch norm, neurons in place of activations.

    Source → TrainingNetwork → (any optimiser) → freeze() → Blueprint

Each node runs once, with T folded into the batch; what comes before the first neurons and does not change over
time runs on one step. Weights pass through their format and membranes through theirs at every pass, so training
sees what will be stored. The largest membrane is a running mean of batch maxima in training and a constant
after it, so that no answer depends on what else is in its batch. Weights are real numbers here, integers times
their scale: the last bits of a sum can depend on the batch's size, as a processor adds in whatever order suits it.
In the frozen network stored weights are integers, and sums of spikes are exact.

Source: Q-SNNs, §4 (formats, order of firing and storing as its released code has it; it takes the membrane's scale
from the batch at hand in testing too); "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §III.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.ops import Activating, Product
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.conversion.assemble import StageSettings, assemble
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import FiringNode
from spikewright.engines.scan.event_linear import event_linear
from spikewright.engines.scan.scan import scan
from spikewright.errors import BadModel
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.formats.stored import Stored
from spikewright.snn.nodes import AnyFormat
from spikewright.snn.schedules.clocked import Clocked
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.snn.graph import spiking_source, weighted_layers
from spikewright.training.snn.settings import SpikingSettings

SCALE_MOMENTUM = 0.1  # of the running membrane scale, as batch norm's
LEAST_SCALE = 1e-3  # thresholds; a silent layer has no membrane to take a scale from


class Pass(NamedTuple):
    """What a pass over a batch gives."""

    output: Tensor  # [T, N, K], the last layer's current, or its neurons' spikes
    rates: Tensor  # mean spikes a neuron and step, [stages], with gradients


class TrainingNetwork(nn.Module):
    """A source network with spiking neurons, to be trained from its own weights; the source given is not changed.

    Raises:
        BadModel, UnsupportedModule: as `spiking_source` says.
    """

    membrane_scales: Tensor

    def __init__(self, source: Source, settings: SpikingSettings) -> None:
        super().__init__()
        self.settings = settings
        firing = settings.readout == "spikes"
        self.latent = TrainableSource(spiking_source(source, biases=settings.biases, firing_readout=firing))
        self.stages = [node.name for node in self.source.activations]
        self.still = _still(self.source, constant=settings.encoder.constant)
        formats = {True: settings.edge_weights, False: settings.weights}
        edges = weighted_layers(self.source)
        self.formats = {name: levels for name, edge in edges.items() if (levels := formats[edge]) is not None}
        self.register_buffer("membrane_scales", torch.zeros(len(self.stages)))  # in thresholds; 0: none seen yet
        leak = settings.neurons.leak
        raw = torch.full((len(self.stages),), float(torch.logit(torch.tensor(leak)))) if 0 < leak < 1 else None
        self.raw_leaks = nn.Parameter(raw) if settings.neurons.learn_leak and raw is not None else None

    @property
    def source(self) -> Source:
        """The graph: activations are where neurons are."""
        return self.latent.source

    def steps_of(self, name: str) -> int:
        """How many different steps of each sample a node sees: one, where all are the same."""
        return 1 if name in self.still else self.settings.timesteps

    def forward(self, x: Tensor, *, key: tuple[int, ...] | None = None) -> Tensor:
        """Prepared inputs [N, *sample_shape] → the output over time [T, N, K]."""
        return self.run(x, key=key).output

    def run(
        self, x: Tensor, *, key: tuple[int, ...] | None = None, progress: float = 1.0, regulated: bool = False
    ) -> Pass:
        """One pass over prepared inputs [N, *sample_shape].

        `key` draws rate coding anew, as training does, in place of by the samples' values; `progress` of the
        training, 0 … 1, is for estimators that change over it; `regulated` lets gradients pass to the neurons
        through the rates.
        """
        encoder = self.settings.encoder
        train = encoder(x) if key is None else encoder.anew(x, key)
        values = {INPUT: train[0] if encoder.constant else train.flatten(0, 1)}
        rates, peaks = [], []
        arrays = self.latent.arrays
        last_use = {name: node.name for node in self.source.nodes for name in node.inputs}
        for node in self.source.nodes:
            if isinstance(node.op, Activating):
                spikes, peak = self._fire(node, self._over_time(node.inputs[0], values, len(x)))
                rates.append((spikes if regulated else spikes.detach()).mean())
                peaks.append(peak)
                values[node.name] = spikes.flatten(0, 1)
            else:
                roles = {role: arrays[name] for role, name in node.arrays}
                if node.name in self.formats:
                    roles["weight"] = self._stored_weight(node, roles["weight"], progress)
                inputs = [self._beside(name, node.name, values, len(x)) for name in node.inputs]
                if isinstance(node.op, Product) and node.op.space == 0 and inputs[0].dim() == 2:
                    values[node.name] = event_linear(inputs[0], roles["weight"], roles.get("bias"))
                else:
                    values[node.name] = interpreter.evaluate(node, inputs, roles, training=self.training)
            for name in set(node.inputs):
                if last_use[name] == node.name:
                    del values[name]
        self._watch(torch.stack(peaks))
        output = self._over_time(self.source.output, values, len(x))
        return Pass(output.expand(self.settings.timesteps, *output.shape[1:]), torch.stack(rates))

    def _stored_weight(self, node: SourceNode, latent: Tensor, progress: float) -> Tensor:
        """The weight that the stored integers will stand for, with its format's gradient."""
        assert isinstance(node.op, Product)
        levels = self.formats[node.name].quantise(node.op.outputs_first(latent), progress=progress)
        return node.op.as_laid_out(levels)

    def _over_time(self, name: str, values: Mapping[str, Tensor], samples: int) -> Tensor:
        """A value as [T, N, *], or [1, N, *] where every step is the same."""
        value = values[name]
        return value.unsqueeze(0) if name in self.still else value.unflatten(0, (self.settings.timesteps, samples))

    def _beside(self, name: str, reader: str, values: Mapping[str, Tensor], samples: int) -> Tensor:
        """A value as its reader takes it: what is the same at every step is repeated beside what is not."""
        if name not in self.still or reader in self.still:
            return values[name]
        value = self._over_time(name, values, samples)
        return value.expand(self.settings.timesteps, *value.shape[1:]).flatten(0, 1)

    def freeze(self) -> Blueprint:
        """The network as it is stored and run: integers where there are formats, batch norm folded.

        Raises:
            BadModel: a weight that is not finite, or that its format cannot store; or stored membranes whose scale
                no training batch has set.
        """
        if self.settings.neurons.membrane_bits is not None and not bool((self.membrane_scales > 0).all()):
            raise BadModel("the membranes' scales are not known yet: run a batch in training mode before freezing")
        source = self.latent.to_source()
        stored = {}
        for node in source.nodes:
            if node.name in self.formats:
                levels = self.formats[node.name]
                weight = source.arrays[dict(node.arrays)["weight"]]
                stored[node.name] = _store(levels, node, weight)
        blueprint = assemble(stage(source, stored), self._stage, source=source, encoder=self.settings.encoder)
        return _as_stored(_with_window_bias(blueprint, self.settings.timesteps))

    def _fire(self, node: SourceNode, currents: Tensor) -> tuple[Tensor, Tensor]:
        index, neurons = self.stages.index(node.name), self.settings.neurons
        scale = float(self.membrane_scales[index])
        return scan(
            # half precision is for matrix products: a membrane would lose its small currents to it
            currents if currents.dtype in (torch.float32, torch.float64) else currents.float(),
            timesteps=self.settings.timesteps,
            law=neurons.law(leak=neurons.leak, scale=max(scale, LEAST_SCALE) if scale > 0 else None),
            threshold=neurons.threshold,
            leak=None if self.raw_leaks is None else torch.sigmoid(self.raw_leaks[index]),
            shape=neurons.surrogate,
            detach_reset=neurons.detach_reset,
        )

    @torch.no_grad()
    def _watch(self, peaks: Tensor) -> None:
        """Follow the largest membranes of training batches."""
        if self.training and self.settings.neurons.membrane_bits is not None:
            followed = self.membrane_scales + SCALE_MOMENTUM * (peaks - self.membrane_scales)
            self.membrane_scales.copy_(torch.where(self.membrane_scales > 0, followed, peaks).clamp(min=LEAST_SCALE))

    def _stage(self, node: FiringNode) -> StageSettings:
        neurons, index = self.settings.neurons, self.stages.index(node.fires.activation)
        leak = neurons.leak if self.raw_leaks is None else float(torch.sigmoid(self.raw_leaks.detach()[index]))
        scale = max(float(self.membrane_scales[index]), LEAST_SCALE)
        one = torch.ones(())
        return StageSettings(
            schedule=Clocked(),
            code=Code.rate(self.settings.timesteps),
            threshold=one * neurons.threshold,
            initial_potential=one * 0,
            amplitude=one,
            law=neurons.law(leak=leak, scale=scale),
        )


def _still(source: Source, *, constant: bool) -> frozenset[str]:
    """What is the same at every step: a constant input, and what no neuron stands before."""
    found = {INPUT} if constant else set[str]()
    for node in source.nodes:
        if not isinstance(node.op, Activating) and all(name in found for name in node.inputs):
            found.add(node.name)
    return frozenset(found)


def _store(levels: AnyFormat, node: SourceNode, weight: Tensor) -> Stored:
    assert isinstance(node.op, Product)
    try:
        integers, scale = levels.store(node.op.outputs_first(weight))
    except BadModel as error:
        raise BadModel(f"layer {node.name!r}: {error}") from None
    return Stored(levels, node.op.as_laid_out(integers), scale)


def _with_window_bias(blueprint: Blueprint, timesteps: int) -> Blueprint:
    """The read-out accumulates over the window: its constant comes T times, where a stage's comes at each step."""
    name = f"{blueprint.plan.readout.name}.bias"
    if name not in blueprint.arrays:
        return blueprint
    return Blueprint(blueprint.plan, {**blueprint.arrays, name: blueprint.arrays[name] * timesteps})


def _as_stored(blueprint: Blueprint) -> Blueprint:
    """Real numbers in float32, integers in the type that a saved network is read back in."""
    arrays = {name: array.float() if array.is_floating_point() else array for name, array in blueprint.arrays.items()}
    for node in blueprint.plan.nodes:
        if node.weights is not None:
            name = f"{node.name}.weight"
            arrays[name] = arrays[name].to(torch.int8 if node.weights.bits <= 8 else torch.int16)
    return Blueprint(blueprint.plan, arrays)
