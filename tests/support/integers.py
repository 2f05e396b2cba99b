"""A lowered program run in NumPy int64: a matrix product a node, pools, and firing step by step."""

import numpy as np
import torch

from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.source import INPUT
from spikewright.engines.program import Instruction, Program
from spikewright.snn.nodes import Stage


def _matrix(instruction: Instruction, shapes: list[tuple[int, ...]]) -> np.ndarray:
    """A step's operation as one integer matrix over its concatenated, flattened inputs: a column per basis vector."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    columns = []
    for which, size in enumerate(sizes):
        parts = []
        for index, shape in enumerate(shapes):
            value = torch.eye(size) if index == which else torch.zeros(size, sizes[index])
            gain = instruction.gain(index)
            value = value.double().reshape(size, *shape)
            parts.append(value if gain is None else value * gain.double())
        weight = None if instruction.weight is None else instruction.weight.double()
        result = instruction.node.op(parts, weight)
        result = result if instruction.after is None else result * instruction.after.double()
        columns.append(result.reshape(size, -1).numpy())
    exact = np.concatenate(columns).T
    assert np.abs(exact - exact.round()).max() < 1e-6
    return exact.round().astype(np.int64)


def _integers(tensor: torch.Tensor | None, shape: tuple[int, ...]) -> np.ndarray:
    value = torch.zeros(shape).double() if tensor is None else tensor.double()
    value = value.expand(shape) if shape else value.reshape(())
    assert torch.equal(value, value.round())
    return value.numpy().astype(np.int64)


def slow_codes(program: Program, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Every stage's codes in int64: a matrix product, pools, and firing step by step."""
    values = {INPUT: program.plan.encoder(x)[0].numpy().astype(np.int64)}
    codes = {}
    for instruction in program.instructions:
        node = instruction.node
        inputs = [values[name] for name in node.inputs]
        if node.op.maximum:  # of one grid: integers stay integers
            largest = node.op([torch.from_numpy(inputs[0]).double()]).numpy().astype(np.int64)
            assert instruction.gain(0) is None
            scaled = largest * _integers(instruction.after, ()) if instruction.after is not None else largest
            values[node.name] = scaled + _integers(instruction.bias, tuple(node.shape))
            continue
        matrix = _matrix(instruction, [value.shape[1:] for value in inputs])
        flat = np.concatenate([value.reshape(len(x), -1) for value in inputs], 1) @ matrix.T
        shape = instruction.node.op(
            [torch.zeros(1, *v.shape[1:]).double() for v in inputs], _double(instruction.weight)
        ).shape[1:]
        potential = flat.reshape(len(x), *shape) + _integers(instruction.bias, tuple(shape))
        if not isinstance(node, Stage):
            values[node.name] = potential
            continue
        for index, op in enumerate(node.firing.before_firing):
            gain, bias = instruction.before(index)
            if isinstance(op, Scale):
                sized = potential.shape[1:]
                potential = potential * _integers(gain, sized) + _integers(bias, sized)
            else:
                potential = op([torch.from_numpy(potential).double()]).numpy().astype(np.int64)
        unit = _integers(instruction.threshold, potential.shape[1:])
        u = potential + _integers(instruction.initial, potential.shape[1:])
        code = np.zeros_like(u)
        for weight in node.firing.code.step_weights:
            spike = (u >= weight * unit).astype(np.int64)
            u, code = u - spike * weight * unit, code + spike * weight
        values[node.name] = codes[node.name] = code
    return codes


def _double(weight: torch.Tensor | None) -> torch.Tensor | None:
    return None if weight is None else weight.double()
