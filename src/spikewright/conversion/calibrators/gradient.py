"""Calibration by gradient: thresholds and initial potentials of all stages, trained to the source's outputs.

    loss = mean (spiking read-out − source output)²,   weights frozen, a few hundred unlabelled inputs
    θ ← θ · exp(q),   v0 = unit · sigmoid(p),   unit = θ/Σw moves with θ; so does what a spike is worth downstream
Gradients pass firing by a surrogate (`engines.differentiable`). A quarter of the inputs is held back: the state
of least loss on them is kept, among those that agree with the source's decisions at least as often as the
network that came in; if there is none, that network is returned.

Source: QAC, §4.4 and Algorithm 1. Differs: autograd, as Eq. 44 and 62 are not derivatives of Eq. 35-36; v0 is
kept in [0, unit); what comes out is never worse than what went in, on the inputs held back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.channels import by_channel
from spikewright.ann.ends import Batch, in_type, one_row, tensors_of
from spikewright.ann.source import Source
from spikewright.conversion.calibrators._inputs import require_inputs
from spikewright.conversion.calibrators._state import load_state, save_state
from spikewright.data.progress import Progress, silent
from spikewright.engines.differentiable import Constants, require_differentiable, run
from spikewright.engines.ends import given_back
from spikewright.engines.network import build
from spikewright.engines.program import Program, StageInstruction
from spikewright.engines.sliced import readouts
from spikewright.errors import BadData, BadFile, BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.surrogate import Rectangle

VALIDATION_EVERY = 4  # one input in so many judges the others' training
EDGE = 0.02  # an initial potential is brought this far inside [0, unit) to begin with, where a sigmoid has a slope
SAME = 1e-9  # loss below which there is nothing to gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradient:
    """Adam on the thresholds and initial potentials.

    Attributes:
        epochs: passes over the inputs.
        learning_rate: of Adam, in units of log θ and logit v0/unit; falls to 0 as a cosine.
        batch_size: inputs per step.
        per_channel: a threshold and an initial potential for each channel, not for each layer.
        width: of the surrogate's rectangle, in thresholds.
        seed: of the order of the inputs.
        checkpoint: a file that holds the state after each epoch, and from which an interrupted run goes on.
        begin_anew: where the checkpoint is of another calibration, begin from the start and do not refuse.
    """

    epochs: int = 20
    learning_rate: float = 0.05
    batch_size: int = 32
    per_channel: bool = False
    width: float = 1.0
    seed: int = 0
    checkpoint: Path | None = None
    begin_anew: bool = False
    kind: Literal["gradient"] = "gradient"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise BadSetting(f"calibration: {name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise BadSetting(f"calibration: learning_rate must be above 0, got {self.learning_rate}")
        _ = Rectangle(self.width)

    def __call__(
        self, blueprint: Blueprint, source: Source, batches: Sequence[Any], *, on_progress: Progress = silent
    ) -> Blueprint:
        """Calibrate on prepared, unlabelled inputs.

        Raises:
            BadData: fewer than two inputs, or inputs that are not prepared as the source needs.
            BadSetting: the network fires by a law or schedule that cannot be trained.
            BadFile: the checkpoint is damaged or of another calibration.
        """
        inputs = require_inputs(batches, source)
        if len(inputs) < 2:
            raise BadData("calibration needs at least 2 inputs, one to train on and one to judge by")
        program = build(blueprint).program
        require_differentiable(program)
        if not blueprint.plan.stages:
            return blueprint
        with torch.no_grad():
            parts = in_type(inputs, source.dtype).split(self.batch_size)
            wanted = torch.cat([one_row(interpreter.run(source, x)).float() for x in parts])
        validating = torch.arange(len(inputs)) % VALIDATION_EVERY == VALIDATION_EVERY - 1
        validating = validating if bool(validating.any()) else torch.arange(len(inputs)) == len(inputs) - 1
        fit = _Fit(
            self,
            blueprint,
            _Pairs(inputs[~validating], wanted[~validating]),
            _Pairs(inputs[validating], wanted[validating]),
        )
        return fit.best(on_progress)


class _Pairs(NamedTuple):
    inputs: Batch
    wanted: Tensor  # several outputs in one row


class _Score(NamedTuple):
    loss: float
    agreement: float


class _Fit:
    """One calibration under way."""

    def __init__(self, settings: Gradient, blueprint: Blueprint, train: _Pairs, validation: _Pairs) -> None:
        self.settings, self.blueprint, self.train, self.validation = settings, blueprint, train, validation
        self.program = build(blueprint).program
        self.shape = Rectangle(settings.width)
        self.parameters = _parameters(_given(self.program), self.program, per_channel=settings.per_channel)
        self.optimiser = torch.optim.Adam(list(self.parameters.values()), lr=settings.learning_rate)
        self.epoch = 0
        self.start = self._score(blueprint)
        self.least = self.start
        self.saved: dict[str, Tensor] = {}

    def best(self, on_progress: Progress) -> Blueprint:
        """Train, and return the best network seen: the one given, if none is better."""
        self._resume()
        while self.epoch < self.settings.epochs and self.start.loss > SAME:
            self._train_epoch()
            constants = _constants(self.parameters)
            if not all(bool(value.isfinite().all()) for pair in constants.values() for value in pair):
                break  # too long a step: nothing good comes of it any more
            found = self._score(_applied(self.blueprint, constants))
            if found.loss < self.least.loss and found.agreement >= self.start.agreement:
                self.least = found
                self.saved = {name: value.detach().clone() for name, value in self.parameters.items()}
            self.epoch += 1
            self._save()
            on_progress("calibration", self.epoch, self.settings.epochs)
        return _applied(self.blueprint, _constants(self.saved)) if self.saved else self.blueprint

    def _train_epoch(self) -> None:
        settings = self.settings
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.train.inputs), generator=generator).split(settings.batch_size)
        for index, part in enumerate(order):
            passed = (self.epoch + index / len(order)) / settings.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = settings.learning_rate * 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * passed))))
            out = run(self.program, self.train.inputs[part], _constants(self.parameters), shape=self.shape)
            loss = F.mse_loss(one_row(out), self.train.wanted[part])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()

    @torch.no_grad()
    def _score(self, blueprint: Blueprint) -> _Score:
        """Judge a network as it will run: folded anew, by the collapsed engine."""
        program = build(blueprint).program
        parts = self.validation.inputs.split(self.settings.batch_size)
        out = torch.cat([one_row(given_back(program.plan, readouts(program, part))) for part in parts])
        same = (out.flatten(1).argmax(1) == self.validation.wanted.flatten(1).argmax(1)).double().mean()
        return _Score(float(F.mse_loss(out, self.validation.wanted)), float(same))

    # Checkpoint --------------------------------------------------------------------------------------------

    def _identity(self) -> dict[str, Any]:
        settings = {
            name: value for name, value in asdict(self.settings).items() if name not in ("checkpoint", "begin_anew")
        }
        size = [
            len(self.train.inputs),
            sum(float(each.double().sum()) for each in tensors_of(self.train.inputs)),
            self.start.loss,
        ]
        return {"settings": settings, "inputs": size}

    def _save(self) -> None:
        if self.settings.checkpoint is None:
            return
        tensors = {f"value/{name}": value.detach() for name, value in self.parameters.items()}
        tensors |= {f"kept/{name}": value for name, value in self.saved.items()}
        for name, value in self.parameters.items():
            state = self.optimiser.state[value]
            tensors |= {f"{key}/{name}": state[key] for key in ("exp_avg", "exp_avg_sq", "step") if key in state}
        about = {"identity": self._identity(), "epoch": self.epoch, "least": list(self.least)}
        save_state(self.settings.checkpoint, tensors, about)

    def _resume(self) -> None:
        path = self.settings.checkpoint
        if path is None or not path.is_file():
            return
        try:
            tensors, about = load_state(path, identity=self._identity())
        except BadFile:
            if self.settings.begin_anew:
                return
            raise
        self.saved = {name.removeprefix("kept/"): value for name, value in tensors.items() if name.startswith("kept/")}
        try:
            self.epoch, self.least = int(about["epoch"]), _Score(*about["least"])
            with torch.no_grad():
                for name, value in self.parameters.items():
                    value.copy_(tensors[f"value/{name}"])
                    self.optimiser.state[value] = {
                        key: tensors[f"{key}/{name}"] for key in ("step", "exp_avg", "exp_avg_sq")
                    }
        except (KeyError, TypeError, RuntimeError) as error:
            raise BadFile(f"{path} lacks a part ({error}): it is damaged; delete it to begin again") from None


def _given(program: Program) -> dict[str, Constants]:
    """What each stage is run with as it came in."""
    found: dict[str, Constants] = {}
    for instruction in program.instructions:
        if isinstance(instruction, StageInstruction):
            one = torch.ones(())
            threshold = one if instruction.threshold is None else instruction.threshold
            found[instruction.node.name] = Constants(
                threshold, one * 0 if instruction.initial is None else instruction.initial
            )
    return found


def _parameters(given: Mapping[str, Constants], program: Program, *, per_channel: bool) -> dict[str, Tensor]:
    """Log θ and logit v0/unit of each stage, `{stage}.threshold` and `{stage}.initial`."""
    found: dict[str, Tensor] = {}
    for node in program.plan.stages:
        constants = given[node.name]
        whole = by_channel(node.shape[node.axis], node.axis, len(node.shape)) if per_channel else ()
        spread = torch.zeros(whole)
        share = (constants.initial / constants.threshold + spread).clamp(EDGE, 1 - EDGE)
        found[f"{node.name}.threshold"] = (constants.threshold.log() + spread).detach().clone().requires_grad_()
        found[f"{node.name}.initial"] = share.logit().detach().clone().requires_grad_()
    return found


def _constants(parameters: Mapping[str, Tensor]) -> dict[str, Constants]:
    found: dict[str, Constants] = {}
    for name, value in parameters.items():
        stage, _, role = name.rpartition(".")
        if role == "threshold":
            threshold = value.exp()
            # clamped so that the sigmoid stays below 1 in float32
            found[stage] = Constants(threshold, threshold * parameters[f"{stage}.initial"].clamp(-12, 12).sigmoid())
    return found


def _applied(blueprint: Blueprint, constants: Mapping[str, Constants]) -> Blueprint:
    """The blueprint with these constants, which are in the units it was folded for."""
    arrays = dict(blueprint.arrays)
    for stage, chosen in constants.items():
        unit = blueprint.arrays[f"{stage}.threshold"]
        arrays[f"{stage}.threshold"] = unit * chosen.threshold.detach().double()
        arrays[f"{stage}.amplitude"] = blueprint.arrays[f"{stage}.amplitude"] * chosen.threshold.detach().double()
        arrays[f"{stage}.initial_potential"] = unit * chosen.initial.detach().double()
    return Blueprint(blueprint.plan, arrays)
