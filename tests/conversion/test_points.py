"""Points: where they stand, that they change nothing, and that networks with them are equal and accumulate."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.points import with_points
from spikewright.engines.network import build
from spikewright.errors import BadSetting
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.equality.certificate import verify
from spikewright.training.ann.levels import initial_thresholds, with_levels


class Attention(nn.Module):
    """Tokens of 8 features from patches, one block of attention and one of GELU, a mean over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(2, 8, 2, 2), nn.Linear(8, 3)
        self.norm, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        y = self.norm(x)
        q, k, v = (each(y).unflatten(2, (2, 4)).transpose(1, 2) for each in (self.q, self.k, self.v))
        x = x + self.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        x = x + self.down(F.gelu(self.up(self.norm2(x))))
        return self.head(x.mean(1))


@pytest.fixture(scope="module")
def attention() -> tuple[Source, Tensor]:
    torch.manual_seed(0)
    x = torch.randn(16, 2, 6, 6)
    return capture(Attention().eval(), x[:2]), x


def test_where_they_stand(attention: tuple[Source, Tensor]) -> None:
    """In front of what reads numbers of the network's own; a GELU's spikes, and the image, are left as they are."""
    source, _ = attention
    made = with_points(source)
    behind = {node.name: node for node in made.nodes}
    for node in made.nodes:
        if node.op.contracts and node.name != source.nodes[0].name:
            assert all(behind[name].op.activates for name in node.inputs), node.name
    assert made.nodes[0].inputs == source.nodes[0].inputs, "the first layer reads the image"
    signs = [node.op.signed for node in made.activations]  # pyright: ignore[reportAttributeAccessIssue]
    assert len(made.activations) == 9, "two norms, q, k, v, shares, values put together, GELU, the mean"
    assert signs.count(False) == 2, "the shares of a softmax are never negative, and the GELU was there before"
    assert with_points(made).nodes == made.nodes


def test_they_change_nothing(attention: tuple[Source, Tensor]) -> None:
    source, x = attention
    assert torch.equal(interpreter.run(with_points(source), x), interpreter.run(source, x))


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("timesteps", [2, 4])
def test_equal_and_proven_and_nearer_with_more_timesteps(
    attention: tuple[Source, Tensor], per_channel: bool, timesteps: int
) -> None:
    source, x = attention
    made = with_points(source)
    blueprint = convert(made, Exact(timesteps=timesteps, per_channel=per_channel), [x])
    certificate = verify(blueprint, made, [x])
    assert certificate.proven, certificate.line()
    with torch.no_grad():
        wanted = interpreter.run(source, x)
        found = build(blueprint)(x)
    assert float((found - wanted).norm() / wanted.norm()) < {2: 0.6, 4: 0.12}[timesteps]


def test_units_are_by_feature_where_there_is_one_each(attention: tuple[Source, Tensor]) -> None:
    source, x = attention
    blueprint = convert(with_points(source), Exact(timesteps=3, per_channel=True), [x])
    stage = next(node for node in blueprint.plan.stages if node.shape == (9, 8))
    assert blueprint.arrays[f"{stage.name}.amplitude"].shape[-1] == 8


def test_products_with_a_weight_no_longer_multiply(attention: tuple[Source, Tensor]) -> None:
    source, x = attention
    with_numbers = fan_out(convert(source, Exact(timesteps=3), [x])).macs_per_sample
    with_spikes = fan_out(convert(with_points(source), Exact(timesteps=3), [x])).macs_per_sample
    image = 9 * 8 * (2 * 2 * 2)
    products = 2 * 2 * (9 * 9 * 4)  # of queries with keys and shares with values, two heads
    assert with_numbers > with_spikes
    assert with_spikes - image - products < 9 * 8 * 6, "what is left are factors of norms"


def test_a_linear_bottleneck_fires() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3), nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    x = torch.randn(32, 6)
    source = with_points(capture(model.eval(), x[:2]))
    assert [node.name for node in source.activations] == ["1", "2.point", "4"]
    certificate = verify(convert(source, Exact(timesteps=5), [x]), source, [x])
    assert certificate.proven, certificate.line()


def test_a_network_of_relus_has_none() -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    source = capture(model, torch.randn(2, 6))
    assert with_points(source).nodes == source.nodes


def test_trained_with_levels(attention: tuple[Source, Tensor]) -> None:
    source, x = attention
    made = with_points(source)
    trained = with_levels(made, 7, initial_thresholds(made, [x]))
    certificate = verify(convert(trained, Exact(timesteps=3)), trained, [x])
    assert certificate.proven, certificate.line()
    assert certificate.reference == "the source as trained"


def test_methods_that_do_not_wait_refuse_them(attention: tuple[Source, Tensor]) -> None:
    source, x = attention
    with pytest.raises(BadSetting, match=r"point' is no ReLU.*convert by the method exact"):
        convert(with_points(source), Qcfs(timesteps=4), [x])


class TwoOutputs(nn.Module):
    """Tokens by their ids, as a sentence encoder has them: all of them, and one number a feature of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.norm = nn.Embedding(11, 8), nn.LayerNorm(8)
        self.first, self.pool = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        tokens = self.norm(self.table(ids) + 0.5)
        tokens = tokens + self.first(tokens)
        return {"tokens": self.norm(tokens), "pooled": torch.tanh(self.pool(tokens[:, 0]))}


def test_ids_and_two_outputs_with_constants_that_norms_stop() -> None:
    torch.manual_seed(0)
    ids = torch.randint(0, 11, (16, 5))
    made = with_points(capture(TwoOutputs().eval(), ids[:2]))
    certificate = verify(convert(made, Exact(timesteps=4), [ids]), made, [ids])
    assert certificate.proven, certificate.line()
