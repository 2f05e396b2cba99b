"""A spiking network laid out for injection: the collapsed engine, cut where stored integers are multiplied.

Postponed firing runs in the integers of `lowering`; clocked networks in float32, as their engine does; networks in
lockstep in float64. What a stage reads, and when, is as in `engines/collapsed.py`, and without faults its values are
that engine's: exactly where products read whole numbers, and up to a grid of 2^-20 of the largest value where not.
A stage that a fault strikes runs its time loop, spike by spike.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.ops import AdaptiveMaxPool, Add, Averaging, Conv, Linear, MaxPool, Moving, Scale
from spikewright.ann.ops.layout import per_channel
from spikewright.ann.source import INPUT
from spikewright.conversion.quantise import quantise
from spikewright.engines.currents import aligned, before_firing, constant_drive, drive_of, scaled, total_input, totals
from spikewright.engines.int8.loops import fire_channels
from spikewright.engines.lower.folded import fold
from spikewright.engines.lower.integer import lowered
from spikewright.engines.program import Program, Step, StepArrays
from spikewright.engines.scan.fused import fits, fused
from spikewright.errors import BadModel, NotExact
from spikewright.reliability.faults import StageFault
from spikewright.reliability.injectable.pieces import FLOAT32_EXACT, Weights, laid_out, lanes, met, weights_for
from spikewright.reliability.sites import Memory, Neurons, Sites
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.encoders.grid import Grid
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.neurons import Law
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.plan import Node
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.two_phase import collapse as close
from spikewright.snn.surrogate import Rectangle
from spikewright.snn.trains import decode, encode, weighted

_SURE = 2.0**50
_NO_SHAPE = Rectangle()  # the scan wants a surrogate's shape; without gradients it is not used


def arithmetic_of(program: Program) -> torch.dtype:
    """What a program's arrays are in."""
    return next((buffer.dtype for buffer in program.buffers()), torch.float32)


class SpikingPiece:
    """One node of a program."""

    def __init__(self, program: Program, step: Step, weights: Weights | None, grid: int | None) -> None:
        self.node = step.node
        self.name, self.inputs = step.node.name, step.node.inputs
        self.weights = weights
        self._step, self._program, self._grid = step, program, grid
        self._dtype = arithmetic_of(program)
        firing, warm = step.node.firing, program.plan.warmup > 0
        self._closed = self.name in program.closed
        self._wants_train = self.name in program.wants_train or warm
        self._is_readout = step.node is program.plan.readout
        if firing is not None:
            self._totals = self._closed
            self._loops = not self._closed or (self._wants_train and not firing.schedule.waits)
        else:
            self._totals = self._is_readout or not self._wants_train
            self._loops = False
        closes = firing is not None and not self._loops and not self._wants_train and step.integral
        self._quick = _quick_firing(step) if closes and weights is not None else None

    def gather(self, inputs: Sequence[Tensor]) -> Tensor:
        """See `pieces.Piece`."""
        step = self._step
        start = self._program.plan.warmup if self._is_readout else 0
        trains = totals(step, inputs, start) if self._totals else aligned(step, inputs)
        steps = max(len(train) for train in trains)
        ready = []
        for index, train in enumerate(trains):
            missing = (0, 0) * (train.dim() - 1) + (0, steps - len(train))
            full = torch.nn.functional.pad(train, missing) if len(train) < steps else train
            gain = step.gain(index)
            ready.append(full if gain is None else full * gain)
        if self.weights is not None:
            return laid_out(self.weights.on_grid(ready[0]))
        if self._grid is not None:
            ready = [(x.double() * 2.0**self._grid).round_() * 2.0**-self._grid for x in ready]
        made = step.node.op([x.flatten(0, 1) for x in ready], step.weight)
        return made.unflatten(0, ready[0].shape[:2])

    def finish(
        self,
        made: Tensor,
        *,
        channels: Tensor | None = None,
        fault: StageFault | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> Tensor:
        """See `pieces.Piece`."""
        whole = self.weights is not None and self.weights.exponent is None
        if self._quick is not None and whole and fault is None and made.dtype == torch.float32:
            return laid_out(self._quick(made, channels).to(self._dtype))
        step = self._step if channels is None else _part(self._step, channels)
        if self.weights is not None and self.weights.exponent is not None:
            made = made * 2.0**-self.weights.exponent
        made = made.to(self._dtype)
        if step.after is not None:
            made = made * step.after
        if step.integral:
            made = made.round()
        firing = step.node.firing
        if firing is None:
            if not self._is_readout:
                return laid_out(made)
            return scaled(made if step.bias is None else made + step.bias, self._program.worth)
        if fault is None and not self._loops:
            codes = self._code(step, made)
            return laid_out(weighted(encode(codes, firing.code), firing.code) if self._wants_train else codes[None])
        drive = constant_drive(step, made[0]) if self._closed and not firing.schedule.waits else drive_of(step, made)
        law: Law = firing.law
        if fault is not None:
            assert images is not None
            law, drive = fault.law(law, images, drive.threshold), fault.drive(drive)
        train = _train(firing, law, drive)
        if fault is not None:
            assert images is not None
            train = fault.train(train, images)
        worth = weighted(train, firing.code)
        return laid_out(worth if self._wants_train or not self._closed else decode(train, firing.code).unsqueeze(0))

    def _code(self, step: Step, made: Tensor) -> Tensor:
        """The closed form over the window."""
        firing = step.node.firing
        assert firing is not None
        total = made[0] if step.offset is None else made[0] + step.offset
        potential = before_firing(step, total)
        if not step.starts_early and step.initial is not None:
            potential = potential + step.initial
        return close(potential.clone(), step.threshold, firing.code)


def _quick_firing(step: Step) -> Callable[[Tensor, Tensor | None], Tensor] | None:
    """One pass from a product of whole numbers to codes, where each channel fires by numbers of its own; else None.

    All that is added is an integer and the unit is one, so ½ more keeps the quotient off every boundary, and what
    float64 rounds cannot carry it across while magnitudes stay below 2^50 (`engines/int8.py` has the proof).
    """
    firing, rank = step.node.firing, len(step.node.shape)
    assert firing is not None
    one = torch.ones((), dtype=torch.float64)
    unit = one if step.threshold is None else step.threshold.double()
    after = one if step.after is None else step.after.double()
    bias = 0 * one if step.bias is None else step.bias.double()
    initial = 0 * one if step.initial is None else step.initial.double()
    count = step.node.shape[0] if rank else 0
    pools = firing.before_firing
    if rank not in {1, 3} or not all(isinstance(op, MaxPool | AdaptiveMaxPool) for op in pools):
        return None
    whole = FLOAT32_EXACT * float(after.abs().max()) + float((bias + initial).abs().max())
    parts = [_by_channel(array, count, rank) for array in (after / unit, (bias + initial + 0.5) / unit)]
    if whole >= _SURE or any(part is None for part in parts):
        return None
    gain, offset = (part.numpy() for part in parts if part is not None)

    def fire(made: Tensor, channels: Tensor | None) -> Tensor:
        chosen = slice(None) if channels is None else channels.numpy()
        if rank == 1:
            given = lanes(made)
            codes = torch.empty_like(given)
            fire_channels(codes[0].numpy(), given[0].numpy(), gain[chosen], offset[chosen], float(firing.code.levels))
            return codes.transpose(1, 2)
        given = made.contiguous()
        codes = torch.empty_like(given)
        rows = given.shape[1] * given.shape[2]
        target, source = codes.view(rows, -1).numpy(), given.view(rows, -1).numpy()
        fire_channels(target, source, gain[chosen], offset[chosen], float(firing.code.levels))
        pooled = codes[0]
        for pool in pools:  # firing is monotone: the code of the largest is the largest of the codes
            pooled = pool([pooled])
        return pooled.unsqueeze(0)

    return fire


def _by_channel(array: Tensor, count: int, rank: int) -> Tensor | None:
    """One number a channel [count], or None where it is more than that."""
    found = per_channel(array, (count, *(1,) * (rank - 1)))
    return None if found is None else found.contiguous()


def _train(firing: Any, law: Law, drive: Drive) -> Tensor:
    """Spikes [T, N, *]; leaky neurons without a fault of their own in one compiled pass, which is the same."""
    plain = drive.threshold.numel() == 1 and not bool(drive.initial.any())
    if not (isinstance(firing.schedule, Clocked) and isinstance(law, Leaky) and plain):
        return firing.schedule.run(law, drive, firing.code)
    if not fits(drive.currents, law, _NO_SHAPE) or len(drive.currents) != firing.code.steps:
        return firing.schedule.run(law, drive, firing.code)
    currents = drive.currents if drive.bias is None else drive.currents + drive.bias
    spikes, _ = fused(
        currents, law=law, threshold=float(drive.threshold), leak=None, shape=_NO_SHAPE, detach_reset=True,
        timesteps=len(currents),
    )  # fmt: skip
    return spikes


def _part(step: Step, channels: Tensor) -> Step:
    """The same node with some of its output channels."""
    rank = len(step.node.shape)

    def cut(array: Tensor | None) -> Tensor | None:
        if array is None or array.dim() < rank or array.shape[array.dim() - rank] == 1:
            return array
        return array.index_select(array.dim() - rank, channels)

    count = 1 if step.node.firing is None else len(step.node.firing.before_firing)
    before = tuple((cut(gain), cut(bias)) for gain, bias in (step.before(index) for index in range(count)))
    arrays = StepArrays(
        after=cut(step.after), bias=cut(step.bias), initial=cut(step.initial), threshold=cut(step.threshold),
        before=before, integral=step.integral, reach=step.reach,
    )  # fmt: skip  # pyright: ignore[reportArgumentType]
    return Step(step.node, arrays)


class SpikingTarget:
    """A blueprint laid out for injection; weights that it does not store as integers are stored in format `weights`.

    Args:
        blueprint: any spiking network of this package.
        weights: format for weights that are none of integers yet.
        sample: prepared inputs [n, *input_shape], from which the grids of values that are no whole numbers are taken.

    Raises:
        BadModel: a network without a weight to strike.
        NotExact: sums that no floating point holds.
    """

    def __init__(self, blueprint: Blueprint, weights: Uniform, sample: Tensor) -> None:
        stored = quantise(blueprint, weights)
        nodes = stored.plan.nodes
        if not any(node.weights is not None for node in nodes):
            raise BadModel("the network has no stored weights to strike: it holds no matrix product and no convolution")
        postponed = all(node.firing is None or node.firing.schedule.waits for node in nodes)
        clocked = stored.plan.encoder.clocked
        program = _in_integers(stored) if postponed and not clocked else None
        if program is None:
            program = fold(stored, dtype=torch.float32 if clocked else torch.float64).eval()
        self.plan, self.blueprint = program.plan, stored
        self._program = program
        whole = _whole_numbers(program)
        tops = _tops(program, sample)
        self.pieces: list[SpikingPiece] = []
        for step in program.steps:
            assert isinstance(step, Step)
            node = step.node
            read = max((whole[name] or 0.0 for name in node.inputs), default=0.0)
            steps = _longest(program, node)
            graded = any(whole[name] is None for name in node.inputs) or any(
                step.gain(index) is not None and not step.integral for index in range(len(node.inputs))
            )
            held, grid = None, None
            if node.weights is not None:
                assert isinstance(node.op, Linear | Conv)
                gain = 1.0 if step.gain(0) is None else float(step._buffers["gain0"].abs().max())  # pyright: ignore
                held = weights_for(
                    node.op, memory=node.name, bits=node.weights.bits, integers=stored.arrays[f"{node.name}.weight"],
                    most=None if graded else read * gain * steps, golden=tops.get(node.name, 1.0) * steps, fine=True,
                )  # fmt: skip
            elif graded and isinstance(node.op, Averaging):
                grid = _grid(tops.get(node.name, 1.0))
            self.pieces.append(SpikingPiece(program, step, held, grid))

    @property
    def arithmetic(self) -> str:
        """What everything between products is done in."""
        kind = arithmetic_of(self._program)
        whole = all(piece.weights is None or piece.weights.exponent is None for piece in self.pieces)
        name = str(kind).removeprefix("torch.")
        return f"integer products, neurons in {name}" if whole else f"products on a grid, neurons in {name}"

    def start(self, inputs: Tensor) -> Tensor:
        """See `pieces.Target`."""
        encoder = self.plan.encoder
        x = inputs.to(arithmetic_of(self._program))
        wanted = INPUT in self._program.wants_train or self.plan.warmup > 0 or encoder.clocked
        return laid_out(encoder(x) if wanted else total_input(self._program, x))

    def sites(self) -> Sites:
        """All that faults may strike."""
        memories = tuple(
            Memory(
                name=node.name,
                integers=self.blueprint.arrays[f"{node.name}.weight"].flatten().numpy().astype(np.int64),
                bits=node.weights.bits,
                positions=tuple(range(node.weights.bits)),
            )
            for node in self.blueprint.plan.nodes
            if node.weights is not None
        )
        stages = tuple(
            Neurons(name=node.name, shape=node.shape, timesteps=node.firing.code.steps, law=node.firing.law.kind)
            for node in self.plan.stages
            if node.firing is not None
        )
        return Sites(memories=memories, stages=stages, input_shape=self.plan.sample_shape)


def _in_integers(blueprint: Blueprint) -> Program | None:
    """The lowered program, wide enough for faulty weights, or None where there is none."""
    try:
        return lowered(blueprint).double().eval()
    except NotExact:
        return None


def _whole_numbers(program: Program) -> Mapping[str, float | None]:
    """The largest whole number that each node, and the input, hands on; None where these are no whole numbers."""
    encoder = program.plan.encoder
    most: dict[str, float | None] = {INPUT: None}
    if encoder.spiking and not encoder.timed:  # frames count events, or hold what else was made of them
        most[INPUT] = 1.0
    elif isinstance(encoder, Grid):
        most[INPUT] = float(encoder.limit)
    for step in program.steps:
        assert isinstance(step, Step)
        node = step.node
        given = [most[edge.source] if edge.alignment is None else None for edge in node.edges]
        if node.firing is not None:
            most[node.name] = float(node.firing.code.levels) if node.name in program.closed else float(
                max(node.firing.code.step_weights)
            )  # fmt: skip
            continue
        plain = step.integral or (
            isinstance(node.op, Moving | Add)
            and step.after is None
            and all(step.gain(index) is None for index in range(len(given)))
        )
        if not plain or any(each is None for each in given):
            most[node.name] = None
            continue
        factor = 1.0 if step.after is None else max(float(step.after.abs().max()), 1.0)
        if node.weights is not None:
            largest = 1.0 if node.weights.bits == 1 else 2.0 ** (node.weights.bits - 1)
            assert step.weight is not None
            assert isinstance(node.op, Linear | Conv)
            factor *= largest * met(node.op, step.weight)
        elif step.weight is not None and isinstance(node.op, Scale):
            factor *= max(float(step.weight.abs().max()), 1.0)
        gains = [1.0 if (gain := step.gain(index)) is None else float(gain.abs().max()) for index in range(len(given))]
        total = sum(gain * (each or 0.0) for gain, each in zip(gains, given, strict=True)) * factor
        most[node.name] = total + (0.0 if step.bias is None else float(step.bias.abs().max()))
    return most


def _longest(program: Program, node: Node) -> int:
    """How many steps a node may sum before it reads: 1 where it reads each step as it comes."""
    return max(program.courses[name].steps for name in node.inputs)


def _grid(top: float) -> int:
    return int(30 - np.ceil(np.log2(top))) if top > 0 else 30


def _tops(program: Program, sample: Tensor) -> dict[str, float]:
    """The largest magnitude that each node reads in a fault-free run on the sample."""
    encoder = program.plan.encoder
    values = {INPUT: encoder(sample.to(arithmetic_of(program)))}
    tops: dict[str, float] = {}
    for step in program.steps:
        assert isinstance(step, Step)
        piece = SpikingPiece(program, step, None, None)
        inputs = [values[name] for name in step.node.inputs]
        gains = [step.gain(index) for index in range(len(inputs))]
        tops[step.node.name] = max(
            float((x if gain is None else x * gain).abs().max()) for x, gain in zip(inputs, gains, strict=True)
        )
        values[step.node.name] = piece.finish(piece.gather(inputs))
    return tops
