"""One node of a spiking network as a piece that faults are put into."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.ops import Averaging
from spikewright.engines.currents import aligned, before_firing, constant_drive, drive_of, scaled, totals, with_constant
from spikewright.engines.program import Instruction, InstructionArrays, Program, StageInstruction, instruction_of
from spikewright.reliability.faults import StageFault
from spikewright.reliability.injectable.layout import laid_out
from spikewright.reliability.injectable.pieces import Weights, averaged, image_by_image
from spikewright.reliability.injectable.quick_firing import quick_firing
from spikewright.snn.neurons import Dynamics
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.nodes import Firing
from spikewright.snn.schedules import Drive
from spikewright.snn.surrogate import Rectangle
from spikewright.snn.trains import decode, encode, weighted

_NO_SHAPE = Rectangle()  # the scan wants a surrogate's shape; without gradients it is not used


def arithmetic_of(program: Program) -> torch.dtype:
    """What a program's arrays are in."""
    return next((buffer.dtype for buffer in program.buffers()), torch.float32)


class SpikingPiece:
    """One node of a program."""

    def __init__(self, program: Program, instruction: Instruction, weights: Weights | None, *, averages: bool) -> None:
        self.node = instruction.node
        self.name, self.inputs = instruction.node.name, instruction.node.inputs
        self.weights = weights
        self._instruction, self._program = instruction, program
        self._averages = instruction.node.op if averages and isinstance(instruction.node.op, Averaging) else None
        self._dtype = arithmetic_of(program)
        warm = program.plan.warmup > 0
        self._closed = self.name in program.closed
        self._wants_train = self.name in program.wants_train or warm
        self._is_readout = instruction.node is program.plan.readout
        self._quick = None
        if isinstance(instruction, StageInstruction):
            self._totals = self._closed
            self._loops = not self._closed or (self._wants_train and not instruction.firing.schedule.waits)
            if not self._loops and not self._wants_train and instruction.integral and weights is not None:
                self._quick = quick_firing(instruction)
        else:
            self._totals = self._is_readout or not self._wants_train or self.name in program.of_totals
            self._loops = False

    def gather(self, inputs: Sequence[Tensor]) -> Tensor:
        """See `pieces.Piece`."""
        instruction = self._instruction
        start = self._program.plan.warmup if self._is_readout else 0
        trains = totals(instruction, inputs, start) if self._totals else aligned(instruction, inputs)
        steps = max(len(train) for train in trains)
        ready = []
        for index, train in enumerate(trains):
            missing = (0, 0) * (train.dim() - 1) + (0, steps - len(train))
            full = torch.nn.functional.pad(train, missing) if len(train) < steps else train
            gain = instruction.gain(index)
            ready.append(full if gain is None else full * gain)
        if self.weights is not None:
            return laid_out(ready[0])
        if self._averages is not None:
            return averaged(self._averages, ready[0], self._evaluate)
        return image_by_image(self.node.op, ready, self._evaluated)

    def _evaluate(self, value: Tensor) -> Tensor:
        return self._evaluated([value])

    def _evaluated(self, values: Sequence[Tensor]) -> Tensor:
        made = self.node.op([value.flatten(0, 1) for value in values], self._instruction.weight)
        return made.unflatten(0, values[0].shape[:2])

    def finish(
        self,
        made: Tensor,
        *,
        channels: Tensor | None = None,
        fault: StageFault | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> Tensor:
        """See `pieces.Piece`."""
        whole = self.weights is not None and self.weights.digits is None
        if self._quick is not None and whole and fault is None and made.dtype == torch.float32:
            return laid_out(self._quick(made, channels).to(self._dtype))
        instruction = self._instruction if channels is None else _part(self._instruction, channels)
        made = made.to(self._dtype)
        if instruction.after is not None:
            made = made * instruction.after
        if instruction.integral:
            made = made.round()
        if not isinstance(instruction, StageInstruction):
            if not self._is_readout:
                return laid_out(self._passed_on(with_constant(instruction, made)))
            total = made if instruction.bias is None else made + instruction.bias
            return scaled(total, self._program.worth(self.name))
        firing = instruction.firing
        if fault is None and not self._loops:
            return laid_out(self._as_wanted(self._code(instruction, made), firing))
        constant = self._closed and not firing.schedule.waits
        drive = constant_drive(instruction, made[0]) if constant else drive_of(instruction, made)
        law: Dynamics = instruction.law
        if fault is not None:
            assert images is not None
            law, drive = fault.law(instruction.law, images, drive.threshold), fault.drive(drive)
        train = _train(firing, law, drive)
        if fault is not None:
            assert images is not None
            train = fault.train(train, images)
        worth = weighted(train, firing.code)
        return laid_out(worth if self._wants_train or not self._closed else decode(train, firing.code).unsqueeze(0))

    def _passed_on(self, made: Tensor) -> Tensor:
        """What is computed of totals is the same at every step, where somebody asks for steps."""
        if self.name not in self._program.of_totals or not self._wants_train:
            return made
        steps = self._program.courses[self.name].steps
        return (made / steps).expand(steps, *made.shape[1:])

    def _as_wanted(self, codes: Tensor, firing: Firing) -> Tensor:
        """Codes as the next nodes read them: in one step, or as a weighted train."""
        if not self._wants_train:
            return codes[None]
        return weighted(encode(codes, firing.code, signed=firing.law.signed), firing.code)

    def _code(self, instruction: StageInstruction, made: Tensor) -> Tensor:
        """The closed form over the window."""
        total = made[0] if instruction.offset is None else made[0] + instruction.offset
        potential = before_firing(instruction, total)
        if not instruction.starts_early and instruction.initial is not None:
            potential = potential + instruction.initial
        return instruction.code(potential.clone())


def _train(firing: Firing, law: Dynamics, drive: Drive) -> Tensor:
    """Spikes [T, N, *]; leaky neurons without a fault of their own in one compiled pass, which is the same."""
    plain = drive.threshold.numel() == 1 and not bool(drive.initial.any())
    if not (firing.schedule.clocked and isinstance(law, Leaky) and plain):
        return firing.schedule.run(law, drive, firing.code)
    from spikewright.engines.scan.fused import fits, fused  # noqa: PLC0415 - brings Numba

    if not fits(drive.currents, law, _NO_SHAPE) or len(drive.currents) != firing.code.steps:
        return firing.schedule.run(law, drive, firing.code)
    currents = drive.currents if drive.bias is None else drive.currents + drive.bias
    spikes, _ = fused(
        currents, law=law, threshold=float(drive.threshold), leak=None, shape=_NO_SHAPE, detach_reset=True,
        timesteps=len(currents),
    )  # fmt: skip
    return spikes


def _part(instruction: Instruction, channels: Tensor) -> Instruction:
    """The same node with some of its output channels."""
    rank = len(instruction.node.shape)

    def cut(array: Tensor | None) -> Tensor | None:
        if array is None or array.dim() < rank or array.shape[array.dim() - rank] == 1:
            return array
        return array.index_select(array.dim() - rank, channels)

    count = len(instruction.firing.before_firing) if isinstance(instruction, StageInstruction) else 1
    before = tuple((cut(gain), cut(bias)) for gain, bias in (instruction.before(index) for index in range(count)))
    arrays = InstructionArrays(
        after=cut(instruction.after),
        bias=cut(instruction.bias),
        initial=cut(instruction.initial),
        threshold=cut(instruction.threshold),
        before=before,  # pyright: ignore[reportArgumentType]
        law=_law_part(instruction, channels),
        integral=instruction.integral,
        reach=instruction.reach,
    )
    return instruction_of(instruction.node, arrays)


def _law_part(instruction: Instruction, channels: Tensor) -> dict[str, Tensor]:
    """The arrays of its law, [thresholds, *features or what broadcasts]."""
    if not isinstance(instruction, StageInstruction):
        return {}
    whole = instruction.law_arrays
    return {role: array.index_select(1, channels) if array.shape[1] > 1 else array for role, array in whole.items()}
