"""What docs/architecture.md says of adding a kind is so: one file, and nothing else lists it.

A copy of the package gets one file for each kind, and one file a pass for an operation; a process that has only the
copy then uses all of them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import spikewright

PACKAGE = Path(spikewright.__file__).parent

# A linear operation that moves values: one rule for each pass
OPERATION = {
    "ann/ops/flips.py": '''"""Values in reverse order."""

from dataclasses import dataclass
from typing import Literal

import torch

from spikewright.ann.ops import Moving


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip(Moving):
    """Reverse one axis; the batch is axis 0."""

    dim: int
    kind: Literal["flip"] = "flip"

    def __call__(self, inputs, weight=None):
        return torch.flip(inputs[0], (self.dim,))
''',
    "ann/capture/aten/flips.py": """from spikewright.ann.ops.flips import Flip


def _flip(call):
    return call.emit(Flip(dim=call["dims"][0]), [call["self"]], call.shape)


TRANSLATIONS = {"flip": _flip}
""",
    "ann/meaning/flips.py": """from spikewright.ann.ops.flips import Flip


def _flip(op, inputs, roles, training):
    return inputs[0].flip(op.dim)


RULES = {Flip: _flip}
""",
    "conversion/stages/parts/flips.py": """from spikewright.ann.ops.flips import Flip
from spikewright.conversion.stages.parts import as_it_is

RULES = {Flip: as_it_is}
""",
    "engines/lower/folding/flips.py": """from spikewright.ann.ops.flips import Flip
from spikewright.engines.lower.folding import Folding, pass_on

RULES = {Flip: Folding(pass_on, passes_unit=True)}
""",
    "engines/lower/integers/flips.py": """from spikewright.ann.ops.flips import Flip
from spikewright.ann.ops.rules import Refused

RULES = {Flip: Refused("written down as what integers do not do yet")}
""",
    "engines/int8/operations/flips.py": """from spikewright.ann.ops.flips import Flip

RULES = {Flip: lambda known: None}
""",
    "measure/equality/bounds/flips.py": """from spikewright.ann.ops.flips import Flip
from spikewright.measure.equality.bounds import on_magnitudes

RULES = {Flip: lambda case: on_magnitudes(case, 0)}
""",
    "measure/cost/events/flips.py": """from spikewright.ann.ops.flips import Flip
from spikewright.measure.cost.events import transposed

RULES = {Flip: lambda reading: transposed(reading.op, reading.given, reading.later)}
""",
}
# The file of a kind, made of one there is: (model, its class, its kind, the new class, the new kind)
COPIES = {
    "snn/neurons": ("integrate_fire", "IntegrateFire", "Twin", "twin"),
    "snn/schedules": ("two_phase", "TwoPhase", "Twin", "twin"),
    "snn/encoders": ("graded", "Graded", "Twin", "twin"),
    "snn/alignments": ("average", "Average", "Twin", "twin"),
    "snn/formats": ("uniform", "Uniform", "Twin", "twin"),
    "conversion/methods": ("opi", "Opi", "Twin", "twin"),
    "conversion/calibrators": ("mean_bias", "MeanBias", "Twin", "twin"),
    "reliability/faults": ("bit_flip", "BitFlip", "Twin", "twin"),
    "engines/runtimes": ("float", "Float", "Twin", "twin"),
}
SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

import spikewright as sw
from spikewright.ann.kinds import classes

assert sys.argv[1] in sw.__file__, sw.__file__


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 4, 3), nn.Linear(4 * 36, 3)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)).flip(2).flatten(1))


torch.manual_seed(0)
model, x = Net().eval(), torch.rand(30, 1, 8, 8)
y = model(x).argmax(1)

# an operation: captured, converted, certified, counted, saved, loaded; refused where it is written so
source = sw.capture(model, x[:2])
assert "flip" in [node.op.kind for node in source.nodes]
network = sw.convert(source, x, timesteps=5)
certificate = sw.verify(network, source, x)
assert certificate.equal, certificate
sw.save(sys.argv[2], network, source)
again, same = sw.load(sys.argv[2])
assert torch.equal(again(x), network(x)) and same.nodes == source.nodes
figures = sw.evaluate(network, source, (x, y))
assert figures.synops_per_sample > 0 and figures.mismatched_codes == 0
try:
    sw.engine(network, "int8")
    raise SystemExit("the refusal was not heard")
except sw.SpikewrightError as reason:
    assert "written down as what integers do not do yet" in str(reason), reason

# kinds of a plan: from JSON as the class of their file
blueprint = network.blueprint
stage = blueprint.plan.stages[0]
twins = {part: classes(f"spikewright.snn.{part}")["twin"] for part in
         ("neurons", "schedules", "encoders", "alignments", "formats")}
firing = replace(stage.firing, law=twins["neurons"](), schedule=twins["schedules"]())
nodes = tuple(replace(node, firing=firing) if node.name == stage.name else node for node in blueprint.plan.nodes)
edge = replace(nodes[-1].edges[0], alignment=twins["alignments"](timesteps=1))
nodes = (*nodes[:-1], replace(nodes[-1], edges=(edge,)))
changed = sw.Blueprint(replace(blueprint.plan, nodes=nodes).with_input(encoder=twins["encoders"]()), blueprint.arrays)
sw.save(sys.argv[2] + "2", sw.build(changed))
read, _ = sw.load(sys.argv[2] + "2")
assert read.plan == changed.plan
assert torch.equal(read(x), network(x))
stored = sw.quantise(blueprint, twins["formats"](bits=6))
sw.save(sys.argv[2] + "3", sw.build(stored))
assert type(sw.load(sys.argv[2] + "3")[0].plan.nodes[0].weights) is twins["formats"]

# what is asked for by name
assert "Twin" in dir(sw.methods) and "Twin" in dir(sw.faults) and "Twin" in dir(sw.calibrators)
rated = sw.convert(source, x, method="twin", timesteps=4)
assert sw.calibrate(rated, source, x, calibrator="twin").plan == rated.plan
found = sw.inject(rated, (x, y), fault="twin", ber=0.05, maps=3)
assert found.rows[0].maps == 3 and found.settings.fault == sw.faults.Twin(ber=0.05)
assert torch.equal(sw.engine(network, "twin")(x), network(x))
assert sw.evaluate(network, source, (x, y), engine="twin").engine == "twin"
print("all of them")
"""


def test_one_file_of_each_kind_is_all_it_takes(tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "spikewright"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    copies = copy / "ann/capture/aten/copies.py"  # the package takes a flip for copies; here it has not heard of one
    own = copies.read_text()
    assert '    "flip": _flip,\n' in own
    copies.write_text(own.replace('    "flip": _flip,\n', ""))
    for name, text in OPERATION.items():
        (copy / name).write_text(text)
    for folder, (like, cls, new, kind) in COPIES.items():
        text = (copy / folder / f"{like}.py").read_text()
        (copy / folder / "twin.py").write_text(text.replace(cls, new).replace(f'"{like}"', f'"{kind}"'))
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(copy), str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": str(copy.parent), "NUMBA_CACHE_DIR": str(tmp_path / "numba")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "all of them"
