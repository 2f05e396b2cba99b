"""What capture refuses, in what words; and that what it takes means what the module means."""

import pytest
import torch
from support import zoo
from support.zoo import Net
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.conversion.stages.stage import stage
from spikewright.errors import BadModel, SpikewrightError, UnsupportedModule

HERE = "test_capture.py"


def _conv() -> nn.Conv2d:
    return nn.Conv2d(3, 4, 3, padding=1)


def _refusal(model: nn.Module, x: Tensor | None = None) -> str:
    with pytest.raises(SpikewrightError) as caught:
        stage(capture(model, torch.randn(4, 3, 8, 8) if x is None else x))
    message = str(caught.value)
    assert "\n" not in message
    assert "<eval_with_key>" not in message
    return message


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(8, 8)
        self.key = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(self.query(x), self.key(x), x)


class Branch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = _conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if x.sum() > 0:  # the user's own line
            return x
        return -x


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Counting(nn.Module):
    def __init__(self, persistent: bool) -> None:
        super().__init__()
        self.conv = _conv()
        self.register_buffer("calls", torch.zeros(()), persistent=persistent)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.conv(x)


class CountingInPython(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.calls = _conv(), 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.conv(x) * self.calls


def _flat(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 6), *layers)


REFUSED: dict[str, tuple[nn.Module, tuple[str, ...]]] = {
    "hardshrink": (nn.Sequential(_conv(), nn.Hardshrink()), ("1: Hardshrink", "docs/supported.md")),
    "attention": (Attention(), ("scaled_dot_product_attention", "attention is not converted", HERE, "return F.scaled")),
    "data_dependent_branch": (Branch(), (HERE, "if x.sum() > 0", "depends on the data")),
    "two_inputs": (TwoInputs(), ("missing 1 required positional argument: 'y'",)),
    "no_output": (Net(lambda m, x: None, c=_conv()), ("gives no tensor",)),
    "constant_output": (Net(lambda m, x: m.p, p=torch.ones(3)), ("'output' is not computed from the input",)),
    "a_constant_beside": (Net(lambda m, x: (m.c(x), m.p), c=_conv(), p=torch.ones(3)), ("output '1' is not computed",)),
    "batch_norm_without_statistics": (
        nn.Sequential(_conv(), nn.BatchNorm2d(4, track_running_stats=False)),
        ("1: BatchNorm2d", "track_running_stats=True"),
    ),
    "dropout_left_on": (Net(lambda m, x: F.dropout(m.c(x)), c=_conv()), ("stays on", "training=self.training")),
    "spatial_dropout_left_on": (Net(lambda m, x: F.dropout2d(m.c(x), 0.3, True), c=_conv()), ("random numbers",)),
    "random": (Net(lambda m, x: m.c(x) + torch.rand(8), c=_conv()), ("does not reproduce", "randomness")),
    "fixed_batch": (
        Net(lambda m, x: m.head(m.c(x).view(2, -1)), c=_conv(), head=nn.Linear(256, 3)),
        ("batch of 2 inputs but not of 3", HERE, "m.c(x).view(2, -1)"),
    ),
    "constant_as_long_as_the_batch": (
        Net(lambda m, x: m.c(x) + m.p, c=_conv(), p=torch.rand(2, 1, 1, 1)),
        ("not of 3",),
    ),
    "batch_merged_into_rows": (
        Net(lambda m, x: m.head(m.c(x).flatten(0, 1)).unflatten(0, (-1, 4)), c=_conv(), head=nn.Linear(8, 8)),
        ("mixes samples",),
    ),
    "mean_over_the_batch": (Net(lambda m, x: m.c(x) - x.mean(0)[:1], c=_conv()), ("mixes samples",)),
    "mean_over_everything": (Net(lambda m, x: m.c(x) - x.mean(), c=_conv()), ("mixes samples",)),
    "scalar_output": (Net(lambda m, x: m.c(x).sum(), c=_conv()), ("mixes samples",)),
    "samples_against_samples": (
        Net(lambda m, x: m.head(x.flatten(1))[:, None] + m.head(x.flatten(1)), head=nn.Linear(192, 3)),
        ("mixes samples",),
    ),
    "every_other_sample": (Net(lambda m, x: m.c(x)[::2], c=_conv()), ("mixes samples",)),
    "batch_size_as_a_number": (Net(lambda m, x: m.c(x) / x.shape[0], c=_conv()), ("depends on the batch",)),
    "transposed_batch": (Net(lambda m, x: m.c(x).transpose(0, 1), c=_conv()), ("mixes samples",)),
    "lstm": (Net(lambda m, x: m.l(x.flatten(2))[0], l=nn.LSTM(64, 4, batch_first=True)), ("l: LSTM", "recurrent")),
    "cast_to_integers": (Net(lambda m, x: m.c(x).long().float(), c=_conv()), ("cast to torch.int64",)),
    "cast_to_half": (Net(lambda m, x: m.c(x).half().float(), c=_conv()), ("cast to torch.float16",)),
    "comparison": (Net(lambda m, x: (m.c(x) > 0).float(), c=_conv()), ("gt",)),
    "conditional": (
        Net(lambda m, x: torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (m.c(x),)), c=_conv()),
        ("cond",),
    ),
    "nan_weights": (
        Net(lambda m, x: m.c(x) * m.p, c=_conv(), p=nn.Parameter(torch.tensor(float("nan")))),
        ("'p'", "not finite"),
    ),
    "alpha_and_beta": (
        Net(lambda m, x: torch.addmm(m.b, x.flatten(1), m.w, beta=0.5), b=torch.rand(4), w=torch.rand(192, 4)),
        ("alpha or beta",),
    ),
    "clamp_without_minimum": (Net(lambda m, x: m.c(x).clamp(max=1), c=_conv()), ("without a minimum",)),
    "name_error": (Net(lambda m, x: m.c(x) + nothing, c=_conv()), ("NameError",)),
    "counting_buffer": (Counting(persistent=True), ("changes its state (calls)", "side effects")),
    "counting_hidden_buffer": (Counting(persistent=False), ("changes its state (calls)",)),
    "counting_in_python": (CountingInPython(), ("hidden state",)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line_and_untouched(name: str) -> None:
    model, words = REFUSED[name]
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    before = {key: value.clone() for key, value in state.items()}
    model.train()
    message = _refusal(model, torch.randn(3, 4, 8) if name == "attention" else None)
    for word in words:
        assert word in message, message
    assert all(torch.equal(value, before[key]) or name == "nan_weights" for key, value in state.items())
    assert all(module.training for module in model.modules())
    assert getattr(model, "calls", 0) == 0


def test_all_obstacles_are_listed_at_once() -> None:
    model = nn.Sequential(
        _conv(),
        Net(lambda m, x: torch.sin(x)),
        nn.Conv2d(4, 4, 1),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.ReLU(),
        nn.GroupNorm(2, 4),
        nn.Flatten(),
        nn.Linear(256, 3),
        nn.LogSoftmax(1),
        nn.ReLU(),
    )
    with pytest.raises(UnsupportedModule) as caught:
        capture(model, torch.randn(2, 3, 8, 8))
    assert [obstacle.path for obstacle in caught.value.obstacles] == ["1.sin", "3", "8"]  # pyright: ignore
    for kind in ("sin", "BatchNorm2d", "LogSoftmax"):
        assert kind in str(caught.value)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.randn(3), "batch"),
        (torch.randn(0, 3, 8, 8), "batch"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), "torch.int64"),
        (torch.full((2, 3, 8, 8), float("nan")), "not finite"),
        (torch.randn(2, 5, 8, 8), "fails on an input of shape (2, 5, 8, 8)"),
    ],
)
def test_bad_examples(x: Tensor, words: str) -> None:
    with pytest.raises(BadModel) as caught:
        capture(_conv(), x)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    _refusal(Branch())
    capture(zoo.make("variadic")[0], torch.randn(2, 3, 8, 8))
    printed = capfd.readouterr()
    assert printed.out == printed.err == ""


@pytest.mark.parametrize("name", ["variadic", "augmented_in_place", "starts_with_relu_in_place", "dropouts", "double"])
def test_captured_means_the_same(name: str) -> None:
    model, x = zoo.make("mlp" if name == "double" else name)
    if name == "double":
        model, x = model.double(), x.double()
    source = capture(model, x[:1])
    for batch in (x[:1], x, x[:5] * 3):
        torch.testing.assert_close(interpreter.run(source, batch), model(batch.clone()))


def test_attributes_that_forward_leaves_behind_are_taken_back() -> None:
    class Remembering(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = _conv(), None

        def forward(self, x: Tensor) -> Tensor:
            self.last = self.conv(x)
            self.new = 1
            return self.last

    model = Remembering()
    capture(model, torch.randn(2, 3, 8, 8))
    assert model.last is None
    assert not hasattr(model, "new")


def test_names_are_the_users_own() -> None:
    source = capture(zoo.make("resnet")[0], torch.randn(2, 3, 8, 8))
    names = [node.name for node in source.nodes]
    assert names[:3] == ["0", "1", "2"]
    assert {"3.conv1", "3.bn1", "3.relu", "3.relu#2", "4.shortcut.0"} <= set(names)
    assert {"3.conv1.weight", "4.shortcut.1.running_mean", "9.bias"} <= set(source.arrays)


def test_shared_weights_are_held_once() -> None:
    source = capture(zoo.make("shared_layers")[0], torch.randn(2, 3, 8, 8))
    assert sum(name.endswith("conv.weight") for name in source.arrays) == 1
    assert [node.name for node in source.nodes if node.op.kind == "conv"] == ["stem", "conv", "conv#2"]


def test_captured_arrays_are_copies() -> None:
    model, x = zoo.make("mlp")
    source = capture(model, x)
    before = interpreter.run(source, x)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(interpreter.run(source, x), before)


@pytest.mark.parametrize("last", [nn.Softmax(1), nn.LogSoftmax(-1)])
def test_a_softmax_at_the_end_is_left_out(last: nn.Module) -> None:
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(192, 6), nn.ReLU(), nn.Linear(6, 4), last), torch.randn(5, 3, 8, 8)
    source = capture(model, x)
    assert torch.allclose(interpreter.run(source, x), model[:-1](x), atol=1e-5)
    assert torch.equal(interpreter.run(source, x).argmax(1), model(x).argmax(1))


def test_a_softmax_over_something_else_stays() -> None:
    over_space, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Softmax(1)), torch.randn(2, 3, 8, 8)
    assert torch.allclose(interpreter.run(capture(over_space, x), x), over_space(x), atol=1e-6)
