"""Which weights run from words, which stages are fused, and of what terms."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from spikewright.ann.capture.capture import capture
from spikewright.engines.lower.folded import fold
from spikewright.engines.network import build
from spikewright.engines.packed import layers
from spikewright.engines.packed import sums as kernels
from spikewright.engines.packed.values import Grain
from spikewright.engines.program import Program, StageInstruction
from spikewright.models.resnet import ResNet
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.packing import pack
from spikewright.snn.nodes import Stage
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.recipes import options, spiking_training


@cache
def blueprint() -> Blueprint:
    torch.manual_seed(0)
    model = ResNet((20, 64), (1, 2), channels=3, classes=5)
    source = capture(model.eval(), torch.rand(2, 3, 7, 7))
    chosen = options({"membrane_bits": 2}, "paper3")
    network = TrainingNetwork(source, spiking_training(chosen).network).train()
    network(torch.rand(2, 3, 7, 7))  # membranes take their scales from a batch
    return network.eval().freeze()


def made(changed: Blueprint | None = None) -> tuple[Program, dict[str, layers.Layer]]:
    used = changed or blueprint()
    program, found = fold(used, integers=False), {}
    shapes = layers.shapes_of(used.plan)
    for instruction in program.instructions:
        if instruction.node.weights is not None:
            stored = used.arrays[f"{instruction.node.name}.weight"]
            bits = instruction.node.weights.bits
            loose = layers.Loose(pack(stored, bits), bits, tuple(stored.shape))
            assert torch.equal(loose.weight(), stored.float())
            layer = layers.make_layer(instruction, shapes[instruction.node.inputs[0]], Grain(1, 1), loose)
            if layer is not None:
                found[instruction.node.name] = layer
    return program, found


def stage_of(program: Program, found: dict[str, layers.Layer], name: str) -> layers.FusedStage | None:
    grains = {node.name: Grain(1, 1) for node in program.plan.stages}
    instruction = next(
        instruction
        for instruction in program.instructions
        if isinstance(instruction, StageInstruction) and instruction.node.name == name
    )
    return layers.fuse_stage(program, instruction, found, grains)


def test_one_bit_layers_have_words_and_the_geometry_of_their_operation() -> None:
    _, found = made()
    assert sorted(found) == [
        "layers.0.conv1",
        "layers.0.conv2",
        "layers.1.conv1",
        "layers.1.conv2",
        "layers.1.shortcut.0",
        "layers.2.conv1",
        "layers.2.conv2",
    ]
    strided = found["layers.1.shortcut.0"]
    assert strided.window == kernels.Window(4, 4, 1, 1, 2, 2, 0, 0, 1, 1)
    assert strided.words.shape == (64, 1)
    assert strided.source == "layers.0.add"
    assert found["layers.2.conv1"].words.shape == (64, 9)
    assert np.array_equal(found["layers.2.conv1"].gains[0], blueprint().arrays["layers.2.conv1.gain"].flatten().numpy())


def test_sums_that_float32_would_round_are_left_to_it() -> None:
    program, _ = made()
    instruction = next(instruction for instruction in program.instructions if instruction.node.name == "layers.2.conv1")
    stored = blueprint().arrays["layers.2.conv1.weight"]
    loose = layers.Loose(pack(stored, 1), 1, tuple(stored.shape))
    for top, runs in ((1, True), (2**24 // 576, True), (2**24 // 576 + 1, False)):
        assert (layers.make_layer(instruction, (64, 4, 4), Grain(top, 1), loose) is not None) == runs
    assert layers.make_layer(instruction, (64, 4, 4), None, loose) is None


def test_a_stage_is_made_of_its_inputs_terms() -> None:
    program, found = made()

    def terms(name: str) -> list[tuple[str, str, int]]:
        stage = stage_of(program, found, name)
        assert stage is not None
        assert stage.membranes == np.int8
        return [(term.kind, term.source, len(term.gains)) for term in stage.terms]

    assert terms("conv1") == [("currents", "conv1", 1)]
    assert terms("layers.0.conv1") == [("sums", "layers.0.conv1", 1)]
    assert terms("layers.0.add") == [("sums", "layers.0.conv2", 1), ("spikes", "conv1", 0)]
    assert terms("layers.1.add") == [("sums", "layers.1.conv2", 1), ("sums", "layers.1.shortcut.0", 1)]


def test_units_become_gains_one_after_the_other() -> None:
    """A spike of 0.75 against a threshold of one a channel: the shortcut is scaled, the sums are too."""
    arrays = dict(blueprint().arrays)
    arrays["conv1.amplitude"] = torch.tensor(0.75)
    arrays["layers.0.add.threshold"] = torch.linspace(0.5, 1.5, 20).reshape(20, 1, 1)
    program, found = made(Blueprint(blueprint().plan, arrays))
    stage = stage_of(program, found, "layers.0.add")
    assert stage is not None
    (gain,) = stage.terms[1].gains
    assert np.array_equal(gain, (0.75 / arrays["layers.0.add.threshold"].double()).float().flatten().numpy())


def test_stages_that_kernels_do_not_know_are_not_fused() -> None:
    name, plan = "layers.1.conv1", blueprint().plan
    node = next(node for node in plan.nodes if node.name == name)
    assert isinstance(node, Stage)
    membrane = node.firing.law.membrane

    def with_law(**more: object) -> Blueprint:
        law = replace(node.firing.law, membrane=replace(membrane, **more))
        changed = replace(node, firing=replace(node.firing, law=law))
        nodes = tuple(changed if other is node else other for other in plan.nodes)
        return Blueprint(replace(plan, nodes=nodes), blueprint().arrays)

    def with_array(role: str, value: torch.Tensor) -> Blueprint:
        return Blueprint(plan, {**blueprint().arrays, f"{name}.{role}": value})

    uneven = torch.linspace(0, 1, 16).reshape(1, 4, 4).repeat(64, 1, 1)
    for changed, fused in (
        (with_law(bits=8), np.int8),
        (with_law(bits=9), np.int16),
        (with_law(squash=True), None),
        (with_array("initial_potential", torch.tensor(0.5)), None),
        (with_array("bias", uneven), None),
    ):
        stage = stage_of(*made(changed), name)
        assert (None if stage is None else stage.membranes) == fused
        build(changed)
