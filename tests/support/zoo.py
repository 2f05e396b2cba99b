"""Small honest models with random weights and calibrated batch norm: what any user might hand over.

`ZOO` maps a name to (factory, input shape). A factory takes no arguments and is called after seeding by
`make`, which also gives every batch norm the statistics of random data and gains of either sign.

`names()` parametrises a test by it: by the models of `COVERING`, and by the whole zoo with `--all`.
"""

from collections.abc import Callable, Collection
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

import spikewright.ann.rounding  # noqa: F401  registers torch.ops.spikewright.clipped_round

Shape = tuple[int, ...]
ZOO: dict[str, tuple[Callable[[], nn.Module], Shape]] = {}

# Between them these have every feature (`features`) of the whole zoo, as `contracts/test_covering.py` asserts
COVERING = (
    "linear_only",
    "starts_with_relu",
    "output_is_a_relu",
    "one_number_per_sample",
    "bn_after_max_pool",
    "max_pool_shapes",
    "max_pool_of_a_concatenation",
    "max_pools_behind_gains",
    "densenet",
    "mobilenet_v2",
    "shufflenet",
    "conv_1d",
    "conv_transposed_2d",
    "conv_transposed_3d",
    "shared_layers",
    "average_pools",
    "constants",
    "constant_that_widens",
    "batch_norm_between_sequences",
    "trained_levels",
    "quotients_and_extremes",
    "max_pools_of_values",
    "products_of_maps",
    "gelu_and_max_pool",
    "prelu_of_both_signs",
)

# Those that compute with numbers between their neurons: converted, but not trained directly
GRADED = (
    "squeeze_and_excitation",
    "layer_norms",
    "group_norms",
    "softmax_gate",
    "unit_length",
    "quotients_and_extremes",
    "max_pool_of_the_input",
    "max_pools_of_values",
    "products_of_maps",
    "attention_by_hand",
)
NUMBERS = tuple(name for name in GRADED if "max_pool" not in name)  # integers cannot run these

IMAGE: Shape = (3, 8, 8)


def names(*, without: Collection[str] = ()) -> list[Any]:
    """Every model but those of `without`, as parameters of a test; others than `COVERING` only with `--all`."""
    return [parameters(name) for name in ZOO if name not in without]


def parameters(name: str, *more: object) -> Any:
    """One case of a test that runs on a model."""
    return pytest.param(name, *more, marks=() if name in COVERING else pytest.mark.whole_zoo)


class Net(nn.Module):
    """Named layers and a function of (self, x)."""

    def __init__(self, compute: Callable[["Net", Tensor], Tensor], **layers: nn.Module | nn.Parameter | Tensor) -> None:
        super().__init__()
        self.compute = compute
        for name, layer in layers.items():
            if isinstance(layer, Tensor) and not isinstance(layer, nn.Parameter):
                self.register_buffer(name, layer)
            else:
                setattr(self, name, layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(self, x)


def _entry(shape: Shape = IMAGE) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    def save(factory: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        ZOO[factory.__name__] = (factory, shape)
        return factory

    return save


def make(name: str, *, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """The model of that name in eval mode, and a batch of inputs for it."""
    factory, shape = ZOO[name]
    return prepare(factory, shape, seed=seed)


def prepare(
    factory: Callable[[], nn.Module], shape: Shape, *, seed: int = 0, batch: int = 8
) -> tuple[nn.Module, Tensor]:
    """Seed, build, calibrate batch norm; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = factory()
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
                signs = torch.where(torch.arange(module.num_features) % 3 == 1, -1.0, 1.0)
                module.weight.data = (torch.rand(module.num_features) + 0.5) * signs
                module.bias.data = torch.randn(module.num_features) * 0.3
        model.train()
        with torch.no_grad():
            for _ in range(20):
                model(torch.randn(16, *shape))
        return model.eval(), torch.randn(batch, *shape)


def _head(channels: int, size: int = 8, classes: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, classes))


# Chains ----------------------------------------------------------------------------------------------------


@_entry((10,))
def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 4))


@_entry((10,))
def mlp_batch_norm() -> nn.Module:
    return nn.Sequential(
        nn.Linear(10, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, 4)
    )


@_entry()
def conv_bn_relu() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3, stride=2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(54, 5),
    )


@_entry()
def bn_before_padded_conv() -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(3),
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        nn.AvgPool2d(3, 2, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(),
        _head(4, 4),
    )


@_entry()
def bias_through_two_padded_convs() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), _head(5)
    )


@_entry()
def starts_with_relu() -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), _head(4, 6))


@_entry()
def starts_with_relu_in_place() -> nn.Module:
    return nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), _head(4, 6))


@_entry()
def output_is_a_relu() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 6), nn.ReLU())


@_entry((10,))
def output_is_a_relu_after_a_layer_named_readout() -> nn.Module:
    return Net(lambda m, x: m.readout(x).relu(), readout=nn.Linear(10, 6))


@_entry((10,))
def output_read_elsewhere() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        hidden = F.relu(m.a(x))
        out = m.b(hidden)
        return out + m.c(F.relu(out))

    return Net(compute, a=nn.Linear(10, 12), b=nn.Linear(12, 6), c=nn.Linear(6, 6))


@_entry((10,))
def output_is_also_fired() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        hidden = F.relu(m.a(x))
        return hidden + F.relu(hidden - 0.3)

    return Net(compute, a=nn.Linear(10, 12))


@_entry((10,))
def linear_only() -> nn.Module:
    return nn.Linear(10, 4)


# Max pooling -----------------------------------------------------------------------------------------------


@_entry()
def bn_after_max_pool() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 4, 3),
        nn.ReLU(),
        _head(4, 2),
    )


@_entry()
def bn_and_product_after_max_pool() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        pooled = F.max_pool2d(m.conv(x), 2)
        return m.head(torch.cat([F.relu(-0.7 * m.bn(pooled) + 0.1), F.relu(1 - pooled)], 1))

    return Net(compute, conv=nn.Conv2d(3, 4, 3, padding=1), bn=nn.BatchNorm2d(4), head=_head(8, 4))


@_entry()
def max_pool_shapes() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, 1, dilation=2),
        nn.Conv2d(4, 4, 1),
        nn.ReLU(),
        nn.MaxPool2d((2, 1), ceil_mode=True, stride=2),
        _head(4, 1),
    )


@_entry()
def max_pool_before_relu() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(3, 2, padding=1), nn.ReLU(), _head(4, 4))


@_entry()
def adaptive_max_pool() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d((3, 5)), nn.Flatten(), nn.Linear(60, 5)
    )


@_entry()
def pooled_and_unpooled_readers() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        a = F.relu(m.stem(x))
        pooled = m.pool(a)
        wide = F.relu(m.wide(a))
        narrow = F.relu(m.narrow(F.max_pool2d(a, 2)))
        return m.head(pooled + wide + narrow)

    return Net(
        compute,
        stem=nn.Conv2d(3, 4, 3, padding=1),
        pool=nn.MaxPool2d(2),
        wide=nn.Conv2d(4, 4, 2, stride=2),
        narrow=nn.Conv2d(4, 4, 1),
        head=_head(4, 4),
    )


@_entry()
def max_pool_of_a_concatenation() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        a, b = F.relu(m.a(x)), F.relu(3 * m.b(x))
        return m.head(m.pool(torch.cat([a, b, a], 1)))

    return Net(
        compute,
        a=nn.Conv2d(3, 2, 3, padding=1),
        b=nn.Conv2d(3, 3, 5, padding=2),
        pool=nn.MaxPool2d(3, 2, 1),
        head=_head(7, 4),
    )


@_entry()
def inception() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        stem = F.relu(m.stem(x))
        left, right = F.relu(m.left(stem)), F.relu(m.right(stem))
        pooled = m.project(F.max_pool2d(stem, 3, 1, 1))
        averaged = F.avg_pool2d(stem, 3, 1, 1)
        joined = torch.cat([left, right, F.relu(pooled + 0.5), averaged], dim=1)
        return m.head(F.max_pool2d(F.relu(m.mix(joined)), 2))

    return Net(
        compute,
        stem=nn.Conv2d(3, 3, 3, padding=1),
        left=nn.Conv2d(3, 2, 1),
        right=nn.Conv2d(3, 2, 3, padding=1),
        project=nn.Conv2d(3, 2, 1),
        mix=nn.Conv2d(9, 4, 1),
        head=_head(4, 4),
    )


@_entry()
def two_max_pools_in_a_row() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.MaxPool2d(3, 1),
        nn.Conv2d(4, 4, 1),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        _head(4, 1),
    )


@_entry()
def max_pools_behind_gains() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        a, b, c = F.relu(m.a(x) + 1), F.relu(m.b(x)), F.relu(m.c(x) + 1)
        normed = m.norm(a) * m.gain - 0.2
        joined = m.pool(torch.cat([normed, b, torch.cat([0.5 - c], 1)], 1) * 1.5)
        padded = F.max_pool2d(F.pad(a, (0, 1, 0, 1)), 3, 2)
        mirrored = m.pool(0.5 - 2 * F.pad(a, (1, 1, 1, 1), "reflect"))
        again = F.max_pool2d(m.signs * m.pool(normed), 2, 1)
        last = [F.relu(m.mix(joined)), F.avg_pool2d(a, 2), padded, mirrored, again, normed.amax((2, 3))]
        return m.head(torch.cat([each.flatten(1) for each in last], 1))

    return Net(
        compute,
        a=nn.Conv2d(3, 4, 3, padding=1),
        b=nn.Conv2d(3, 1, 3, padding=1),
        c=nn.Conv2d(3, 2, 3, padding=1),
        norm=nn.BatchNorm2d(4),
        gain=torch.tensor([1.5, 1.0, -1.0, 0.0]).reshape(4, 1, 1),
        signs=torch.tensor([-0.5, 1.0, -1.0, -1.0]).reshape(4, 1, 1),
        pool=nn.MaxPool2d(3, 2, 1),
        mix=nn.Conv2d(7, 4, 3, padding=1),
        head=nn.Linear(332, 5),
    )


@_entry((3, 16))
def max_pool_1d_behind_a_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(3, 5, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm1d(5),
        nn.Dropout(0.2),
        nn.MaxPool1d(2),
        nn.Conv1d(5, 4, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm1d(4),
        nn.AdaptiveMaxPool1d(3),
        nn.Flatten(),
        nn.Linear(12, 5),
    )


@_entry()
def relu_pool_relu() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.ReLU(), _head(4, 3))


@_entry((3, 16))
def linear_then_max_pool_1d() -> nn.Module:
    return nn.Sequential(
        nn.Linear(16, 12),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Linear(6, 5),
        nn.MaxPool1d(2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(12, 4),
    )


@_entry((3, 16))
def linear_without_bias_then_max_pool_1d() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 12, bias=False), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(18, 4))


# Residual, dense and mobile --------------------------------------------------------------------------------


class BasicBlock(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int, join: str = "+") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU(inplace=True)
        self.join = join
        self.shortcut = (
            nn.Sequential()
            if stride == 1 and inside == outside
            else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
        )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        identity = self.shortcut(x)
        if self.join == "+":
            out = out + identity
        elif self.join == "+=":
            out += identity
        elif self.join == "add":
            out = torch.add(out, identity)
        else:
            out = torch.add(out, identity, alpha=0.5)
        return self.relu(out)


@_entry()
def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 1, 1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        BasicBlock(4, 4, 1, "+"),
        BasicBlock(4, 6, 2, "+="),
        BasicBlock(6, 6, 1, "add"),
        BasicBlock(6, 6, 1, "alpha"),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 5),
    )


@_entry()
def resnet_option_a() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.stem(x))
        out = m.b2(m.c2(F.relu(m.b1(m.c1(x)))))
        return m.head(F.relu(out + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1))))

    return Net(
        compute,
        stem=nn.Conv2d(3, 4, 3, padding=1),
        c1=nn.Conv2d(4, 6, 3, 2, 1),
        b1=nn.BatchNorm2d(6),
        c2=nn.Conv2d(6, 6, 3, 1, 1),
        b2=nn.BatchNorm2d(6),
        head=_head(6, 4),
    )


@_entry()
def pre_activation_resnet() -> nn.Module:
    def block(m: Net, x: Tensor, b1: nn.Module, c1: nn.Module, b2: nn.Module, c2: nn.Module) -> Tensor:
        out = F.relu(b1(x))
        return c2(F.relu(b2(c1(out)))) + x

    def compute(m: Net, x: Tensor) -> Tensor:
        x = m.stem(x)
        x = block(m, x, m.b1, m.c1, m.b2, m.c2)
        x = block(m, x, m.b3, m.c3, m.b4, m.c4)
        return m.head(F.relu(m.last(x)).mean((2, 3)))

    return Net(
        compute,
        stem=nn.Conv2d(3, 4, 3, padding=1),
        head=nn.Linear(4, 5),
        last=nn.BatchNorm2d(4),
        **{f"b{i}": nn.BatchNorm2d(4) for i in range(1, 5)},
        **{f"c{i}": nn.Conv2d(4, 4, 3, padding=1, bias=i == 1) for i in range(1, 5)},
    )


@_entry()
def densenet() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        features = [m.stem(x)]
        for bn, conv in ((m.b1, m.c1), (m.b2, m.c2)):
            features.append(conv(F.relu(bn(torch.cat(features, 1)))))
        x = F.avg_pool2d(m.t(F.relu(m.b3(torch.cat(features, 1)))), 2)
        return m.head(F.relu(m.b4(x)))

    return Net(
        compute,
        stem=nn.Conv2d(3, 4, 3, padding=1, bias=False),
        b1=nn.BatchNorm2d(4),
        c1=nn.Conv2d(4, 2, 3, padding=1),
        b2=nn.BatchNorm2d(6),
        c2=nn.Conv2d(6, 2, 3, padding=1),
        b3=nn.BatchNorm2d(8),
        t=nn.Conv2d(8, 4, 1),
        b4=nn.BatchNorm2d(4),
        head=_head(4, 4),
    )


@_entry()
def mobilenet_v2() -> nn.Module:
    def bottleneck(inside: int, outside: int, stride: int) -> nn.Sequential:
        wide = inside * 2
        return nn.Sequential(
            nn.Conv2d(inside, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(inplace=True),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(inplace=True),
            nn.Conv2d(wide, outside, 1, bias=False),
            nn.BatchNorm2d(outside),
        )

    def compute(m: Net, x: Tensor) -> Tensor:
        x = m.b1(m.stem(x))
        x = x + m.b2(x)
        x = m.b3(x)
        return m.head(m.last(x))

    return Net(
        compute,
        stem=nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU6()),
        b1=bottleneck(4, 4, 1),
        b2=bottleneck(4, 4, 1),
        b3=bottleneck(4, 6, 2),
        last=nn.Sequential(nn.Conv2d(6, 8, 1), nn.BatchNorm2d(8), nn.ReLU6(), nn.AdaptiveAvgPool2d(1)),
        head=nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 5)),
    )


@_entry((4, 8, 8))
def shufflenet() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.b1(m.c1(x)))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
        left, right = x.chunk(2, dim=1)
        x = torch.cat([left, F.relu(m.c2(right))], 1)
        x = x.reshape(x.size(0), 3, 2, h, w).transpose(2, 1).reshape(x.size(0), c, h, w)
        return m.head(F.relu(m.c3(x)))

    return Net(
        compute,
        c1=nn.Conv2d(4, 6, 3, padding=1, groups=2),
        b1=nn.BatchNorm2d(6),
        c2=nn.Conv2d(3, 3, 3, padding=1, groups=3),
        c3=nn.Conv2d(6, 4, 1, groups=2),
        head=_head(4),
    )


@_entry()
def different_units_into_one_stage() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        a = F.relu(m.a(x))
        b = F.relu(10 * m.b(a))
        c = F.relu(m.c(b) * 0.01)
        return m.head(F.relu(a + b - c + x[:, :2] * 0.5))

    return Net(
        compute,
        a=nn.Conv2d(3, 2, 3, padding=1),
        b=nn.Conv2d(2, 2, 3, padding=1),
        c=nn.Conv2d(2, 2, 1),
        head=_head(2),
    )


# Convolutions ----------------------------------------------------------------------------------------------


@_entry((2, 16))
def conv_1d() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(2, 4, 4, padding="same"),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.MaxPool1d(3, 2, 1),
        nn.Conv1d(4, 4, 3, dilation=2, groups=2),
        nn.ReLU(),
        nn.AvgPool1d(2, ceil_mode=True, count_include_pad=False),
        nn.Flatten(),
        nn.Linear(8, 3),
    )


@_entry((2, 4, 6, 6))
def conv_3d() -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(2, 3, 3, padding=1),
        nn.BatchNorm3d(3),
        nn.ReLU(),
        nn.MaxPool3d(2),
        nn.Conv3d(3, 3, (1, 2, 2), padding=(0, 1, 0)),
        nn.ReLU(),
        nn.AvgPool3d(2, padding=1),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(3, 3),
    )


@_entry((4, 7))
def conv_transposed_1d() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose1d(6, 4, 2, dilation=2),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(4),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


@_entry((4, 5, 5))
def conv_transposed_2d() -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(4),
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.BatchNorm2d(6),
        nn.ConvTranspose2d(6, 2, (3, 2), padding=1, dilation=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((2, 3)),
        nn.Flatten(),
        nn.Linear(12, 3),
    )


@_entry((2, 3, 3, 3))
def conv_transposed_3d() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose3d(2, 4, 2, stride=2, groups=2),
        nn.ReLU(),
        nn.ConvTranspose3d(4, 2, 3, padding=1),
        nn.BatchNorm3d(2),
        nn.ReLU(),
        nn.AdaptiveMaxPool3d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


@_entry()
def same_padding_with_even_kernels() -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(3),
        nn.Conv2d(3, 4, 4, padding="same"),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 4, (2, 3), padding="same", dilation=3),
        nn.ReLU(),
        nn.Conv2d(4, 3, 3, padding="valid"),
        nn.ReLU(),
        _head(3, 6),
    )


@_entry()
def weight_norm() -> nn.Module:
    return nn.Sequential(
        parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
        nn.ReLU(),
        nn.Flatten(),
        parametrizations.weight_norm(nn.Linear(144, 5)),
    )


@_entry()
def shared_layers() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = m.relu(m.stem(x))
        x = m.relu(m.bn(m.conv(x)))
        x = m.relu(m.bn(m.conv(x)))
        return m.head(x)

    return Net(
        compute,
        stem=nn.Conv2d(3, 4, 3, padding=1),
        conv=nn.Conv2d(4, 4, 3, padding=1),
        bn=nn.BatchNorm2d(4),
        relu=nn.ReLU(),
        head=_head(4),
    )


# Averages --------------------------------------------------------------------------------------------------


@_entry()
def average_pools() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(4, 8, 1),
        nn.ReLU(),
        nn.AvgPool2d(2, divisor_override=3),
        _head(8, 1),
    )


@_entry()
def average_pool_of_a_constant_map() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.AvgPool2d(3, 2, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(3, 2, 1, True, False),
        nn.ReLU(),
        _head(4, 3),
    )


@_entry((3, 7, 7))
def adaptive_average_pool_uneven() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((3, 5)),
        nn.Conv2d(4, 4, 2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32, 4),
    )


@_entry()
def mean_over_space() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.conv(x))
        pooled = x.mean([2, 3])
        summed = x.sum(dim=(-1, -2), keepdim=True).squeeze(-1).squeeze(-1) * 0.05
        rows = x.mean(-1).flatten(1)
        return m.a(F.relu(pooled - 0.1)) + m.b(F.relu(summed + 0.5)) + m.c(rows)

    return Net(compute, conv=nn.Conv2d(3, 6, 3, padding=1), a=nn.Linear(6, 5), b=nn.Linear(6, 5), c=nn.Linear(48, 5))


# Activations -----------------------------------------------------------------------------------------------


class OwnReLU(nn.ReLU):
    """A subclass, as libraries have."""


@_entry()
def relu_in_all_forms() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = m.module(m.c0(x))
        x = m.sub(m.c1(x))
        x = F.relu(m.c2(x))
        x = torch.relu(m.c3(x))
        x = m.c4(x).relu()
        x = m.c5(x).relu_()
        x = F.relu(m.c6(x), inplace=True)
        x = m.c7(x).clamp(min=0)
        x = torch.clamp_min(m.c8(x), 0)
        x = F.threshold(m.c9(x), 0, 0)
        x = m.module(m.c10(x))
        return m.head(x)

    layers = {f"c{i}": nn.Conv2d(3, 3, 1) for i in range(11)}
    for layer in layers.values():
        layer.bias.data.fill_(0.5)
    return Net(compute, module=nn.ReLU(), sub=OwnReLU(), head=_head(3), **layers)


@_entry()
def clipped_activations() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu6(m.c0(x) * 4)
        x = m.tanh(m.c1(x))
        x = m.top(m.c2(x))
        x = torch.clamp(m.c3(x), -0.5, 2)
        x = F.hardtanh(m.c4(x), -0.2, 0.7)
        x = (m.c5(x) * 4).clamp(0.25, 1.5)
        return m.head(m.pool(x))

    layers = {f"c{i}": nn.Conv2d(3, 3, 3, padding=1) for i in range(6)}
    return Net(
        compute,
        tanh=nn.Hardtanh(),
        top=nn.Hardtanh(0, 3),
        pool=nn.AvgPool2d(2, padding=1),
        head=_head(3, 5),
        **layers,
    )


@_entry()
def averaged_at_the_end() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@_entry()
def pooled_at_the_end() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.MaxPool2d(2))


@_entry()
def constant_as_large_as_the_batch() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.conv(x))
        return m.head(F.relu(x + m.places.expand_as(x) - m.places.expand(x.shape[0], 4, 8, 8) * 0.5))

    return Net(
        compute,
        conv=nn.Conv2d(3, 4, 3, padding=1),
        places=nn.Parameter(torch.randn(1, 4, 8, 1)),
        head=_head(4),
    )


@_entry()
def one_tensor_in_a_mapping() -> nn.Module:
    return Net(lambda m, x: {"logits": m.head(F.relu(m.conv(x)))}, conv=nn.Conv2d(3, 4, 3, padding=1), head=_head(4))


@_entry()
def hardtanh_then_padded_conv() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.Hardtanh(),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.Hardtanh(-1, 2),
        _head(4, 6),
    )


@_entry()
def constants() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = (x - m.mean) / m.std
        x = F.relu(m.a(x) * 2.5 + 0.1)
        x = F.relu((1 - m.b(x)) / 0.7)
        x = F.relu(-m.c(x) * m.gain + m.shift)
        x = F.relu(2 * (0.3 - x) + m.d(x) - 0.25 * x)
        x = torch.sub(x, m.shift, alpha=2)
        x = F.relu(3 - torch.sub(0.5, x))
        return m.head(x) / 8 - m.table

    return Net(
        compute,
        mean=torch.rand(1, 3, 1, 1),
        std=torch.rand(3, 1, 1) + 0.5,
        a=nn.Conv2d(3, 3, 3, padding=1),
        b=nn.Conv2d(3, 3, 3, padding=1),
        c=nn.Conv2d(3, 3, 3, padding=1),
        d=nn.Conv2d(3, 3, 3, padding=1),
        gain=nn.Parameter(torch.randn(3, 1, 1)),
        shift=nn.Parameter(torch.randn(1, 3, 8, 8) * 0.1),
        table=nn.Parameter(torch.randn(5)),
        head=_head(3),
    )


@_entry((4,))
def constant_that_widens() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.a(x)).unsqueeze(-1).unsqueeze(-1) + m.places
        return m.head(F.relu(m.b(x * m.gains)))

    return Net(
        compute,
        a=nn.Linear(4, 3),
        places=torch.randn(3, 4, 4),
        gains=torch.rand(1, 1, 4) + 0.5,
        b=nn.Conv2d(3, 3, 3, padding=1),
        head=_head(3, 4),
    )


@_entry()
def dropouts() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = m.spatial(F.relu(m.conv(x)))
        x = F.dropout(x, 0.5, training=m.training)
        return m.head(m.drop(x))

    return Net(
        compute,
        conv=nn.Conv2d(3, 4, 3, padding=1),
        spatial=nn.Dropout2d(0.3),
        drop=nn.Dropout(0.5),
        head=_head(4),
    )


# Shapes ----------------------------------------------------------------------------------------------------


@_entry()
def moves() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.conv(x))
        first, rest = x.split([1, 3], dim=1)
        one, two = torch.chunk(rest, 2, 1)
        x = torch.cat(
            [
                two[:, 0].unsqueeze(1),
                first.permute(0, 1, 3, 2),
                one.squeeze(-1) if one.shape[-1] == 1 else one,
            ],
            1,
        )
        x = torch.flatten(x, 2).permute(0, 2, 1).unflatten(1, (8, 8))[:, -3:, 1:-1:2]
        return m.head(x.narrow(2, 0, 2).reshape(len(x), -1))

    return Net(compute, conv=nn.Conv2d(3, 4, 3, padding=1), head=nn.Linear(24, 5))


@_entry((5, 6))
def linear_on_the_last_axis() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.a(x))
        x = F.relu(m.b(x))
        x = F.relu(m.c(x.transpose(1, 2)))
        return m.d(x.flatten(1))

    return Net(compute, a=nn.Linear(6, 7), b=nn.Linear(7, 4), c=nn.Linear(5, 3), d=nn.Linear(12, 4))


@_entry((5, 6))
def batch_norm_between_sequences() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.bn(m.a(x)))
        x = F.relu(m.b(m.bn2(x)))
        return m.head(x.mean(1))

    return Net(
        compute,
        a=nn.Linear(6, 7),
        bn=nn.BatchNorm1d(5),
        bn2=nn.BatchNorm1d(5),
        b=nn.Linear(7, 4),
        head=nn.Linear(4, 3),
    )


@_entry((4, 6))
def transposed_after_channel_thresholds() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.a(x))
        x = F.relu(m.b(x.transpose(1, 2)))
        return m.head(x.mean(-1))

    return Net(
        compute,
        a=nn.Conv1d(4, 5, 3, padding=1),
        b=nn.ConvTranspose1d(6, 4, 3, stride=2, groups=2),
        head=nn.Linear(4, 3),
    )


@_entry((10,))
def matrix_products() -> nn.Module:
    return Net(
        lambda m, x: torch.addmm(m.bias, F.relu(x @ m.a + m.shift), m.b),
        a=nn.Parameter(torch.randn(10, 8)),
        shift=nn.Parameter(torch.randn(8)),
        b=nn.Parameter(torch.randn(8, 4)),
        bias=nn.Parameter(torch.randn(4)),
    )


@_entry((6,))
def one_number_per_sample() -> nn.Module:
    return Net(lambda m, x: m.b(F.relu(m.a(x))).squeeze(-1), a=nn.Linear(6, 8), b=nn.Linear(8, 1))


@_entry((6,))
def fires_on_one_number() -> nn.Module:
    return Net(lambda m, x: F.relu(m.b(F.relu(m.a(x))).squeeze(-1)) * 3, a=nn.Linear(6, 8), b=nn.Linear(8, 1))


class Variadic(nn.Module):
    """`*args`, `len`, `dim` and a branch on shapes: Python that means the same for every input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 5)

    def forward(self, *args: Tensor) -> Tensor:
        (x,) = args
        if x.dim() == 4 and x.ndim == 4 and x.shape[1] == 3:
            x = self.conv(x)
        return self.head(self.squash(F.relu(x)).view(len(x), -1))

    @staticmethod
    def squash(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, x.size()[2:]) if x.size(-1) > 1 else x


@_entry()
def variadic() -> nn.Module:
    return Variadic()


@_entry()
def augmented_in_place() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = m.conv(x)
        saved = x
        x += 1
        x.mul_(0.5)
        return m.head(F.relu(saved + x))

    return Net(compute, conv=nn.Conv2d(3, 4, 3, padding=1), head=_head(4))


@_entry()
def without_gradient() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = F.relu(m.stem(x))
        return m.head(F.relu(m.conv(x)))

    return Net(compute, stem=nn.Conv2d(3, 4, 3, padding=1), conv=nn.Conv2d(4, 4, 3, padding=1), head=_head(4))


# Graded nodes ----------------------------------------------------------------------------------------------


@_entry()
def squeeze_and_excitation() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.a(x))
        squeezed = F.relu(m.squeeze(x.mean((2, 3), keepdim=True)) + 0.5)
        gate = F.relu6(m.excite(squeezed) + 3) / 6
        return m.head(F.relu(m.b(x * gate)))

    return Net(
        compute,
        a=nn.Conv2d(3, 6, 3, padding=1),
        squeeze=nn.Conv2d(6, 4, 1),
        excite=nn.Conv2d(4, 6, 1),
        b=nn.Conv2d(6, 4, 3, padding=1),
        head=_head(4),
    )


@_entry((10,))
def layer_norms() -> nn.Module:
    return nn.Sequential(
        nn.Linear(10, 16),
        nn.LayerNorm(16),
        nn.ReLU(),
        nn.Linear(16, 12),
        nn.ReLU(),
        nn.LayerNorm(12),
        nn.Linear(12, 4),
    )


@_entry()
def group_norms() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.GroupNorm(3, 6),
        nn.ReLU(),
        nn.Conv2d(6, 4, 3),
        nn.InstanceNorm2d(4, affine=True),
        nn.ReLU(),
        _head(4, 6),
    )


@_entry()
def softmax_gate() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        x = F.relu(m.a(x))
        share = F.softmax(m.score(x).flatten(2), -1).unflatten(2, (8, 8))
        return m.head(F.relu(m.b(x * share * 64)))

    return Net(compute, a=nn.Conv2d(3, 4, 3, padding=1), score=nn.Conv2d(4, 1, 1), b=nn.Conv2d(4, 4, 1), head=_head(4))


@_entry((10,))
def unit_length() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        return m.b(F.normalize(F.relu(m.a(F.normalize(x))) + 0.1)) * 4

    return Net(compute, a=nn.Linear(10, 16), b=nn.Linear(16, 4))


@_entry((10,))
def quotients_and_extremes() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        a, b = F.relu(m.a(x)), F.relu(m.b(x))
        c = m.c(b)
        x = a / (b + 0.5) + 1 / (1 + b) + torch.maximum(a, b) - torch.minimum(a, c) + a * a + c**3 * 0.1
        x = torch.maximum(x, torch.tensor(0.3)) + torch.minimum(x, torch.tensor(1.5))
        return m.head(F.relu(x - 0.5)) + F.normalize(x[:, :4])

    return Net(compute, a=nn.Linear(10, 8), b=nn.Linear(10, 8), c=nn.Linear(8, 8), head=nn.Linear(8, 4))


@_entry()
def max_pool_of_the_input() -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), _head(8, 4))


@_entry()
def max_pools_of_values() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        pooled = F.max_pool2d(m.a(x), 2)
        b, c = F.relu(m.b(pooled)), F.relu(m.c(pooled))
        x = F.max_pool2d(b - c, 3, 1, 1)
        return m.head(F.adaptive_max_pool2d(F.relu(x - pooled) + x, (2, 3)).flatten(1))

    return Net(
        compute, a=nn.Conv2d(3, 4, 3, padding=1), b=nn.Conv2d(4, 4, 1), c=nn.Conv2d(4, 4, 1), head=nn.Linear(24, 4)
    )


@_entry()
def products_of_maps() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        a, b = F.relu(m.a(x)), F.relu(m.b(x))
        return m.head(F.relu(m.norm(m.c(a @ b))) + F.softmax(b - a, 1))

    return Net(
        compute,
        a=nn.Conv2d(3, 4, 3, padding=1),
        b=nn.Conv2d(3, 4, 3, padding=1),
        c=nn.Conv2d(4, 4, 1),
        norm=nn.InstanceNorm2d(4),
        head=_head(4),
    )


@_entry((5, 6))
def attention_by_hand() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        shares = F.softmax(m.q(x) @ m.k(x).transpose(1, 2) / 6**0.5, -1)
        x = m.first(m.o(shares @ m.v(x)) + x)
        x = x + m.down(F.relu(m.up(x)))
        return m.head(m.second(x).mean(1))

    return Net(
        compute,
        **{name: nn.Linear(6, 6) for name in "qkvo"},
        first=nn.LayerNorm(6),
        second=nn.RMSNorm(6),
        up=nn.Linear(6, 12),
        down=nn.Linear(12, 6),
        head=nn.Linear(6, 4),
    )


# Trained levels --------------------------------------------------------------------------------------------


class Rounded(nn.Module):
    """An activation with its own levels and threshold, as quantisation-aware training leaves it."""

    def __init__(self, threshold: Tensor, levels: int = 15) -> None:
        super().__init__()
        self.threshold = nn.Parameter(threshold)
        self.levels = levels

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.spikewright.clipped_round(x, self.threshold, self.levels)


@_entry()
def trained_levels() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        Rounded(torch.tensor(1.7)),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1),
        Rounded(torch.tensor([[[0.5]], [[1.0]], [[0.7]], [[0.3]]])),
        nn.Flatten(),
        nn.Linear(64, 8),
        Rounded(torch.tensor([0.9])),
        nn.Linear(8, 4),
    )


# Activations that are no ReLU ------------------------------------------------------------------------------


@_entry()
def gelu_and_max_pool() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.GELU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 4, 1), nn.Sigmoid(), _head(4, 4)
    )


@_entry()
def prelu_of_both_signs() -> nn.Module:
    prelu = nn.PReLU(4)
    prelu.weight.data = torch.tensor([-0.5, -0.1, 0.2, 0.4])
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), prelu, nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.Tanh(), _head(4, 4)
    )


@_entry()
def smooth_residual() -> nn.Module:
    def compute(m: Net, x: Tensor) -> Tensor:
        a = F.silu(m.stem(x))
        b = F.hardswish(m.norm(m.inner(a)))
        c = a + b * 0.5
        gated = F.mish(m.left(F.max_pool2d(torch.cat([a, F.relu(b)], 1), 2))) + F.elu(m.right(F.avg_pool2d(c, 2)))
        return m.head(F.softplus(gated))

    return Net(
        compute,
        stem=nn.Conv2d(3, 4, 3, padding=1),
        inner=nn.Conv2d(4, 4, 3, padding=1),
        norm=nn.BatchNorm2d(4),
        left=nn.Conv2d(8, 4, 1),
        right=nn.Conv2d(4, 4, 1),
        head=_head(4, 4),
    )
