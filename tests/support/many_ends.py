"""Small networks of several inputs and outputs, and of ids: what any user might hand over.

`MANY` maps a name to a function that gives a model in eval mode and a batch of six: a tensor, a tuple or a dict.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._pytree import register_pytree_node

MANY: dict[str, Callable[[], tuple[nn.Module, Any]]] = {}
BATCH = 6


def _entry(factory: Callable[[], tuple[nn.Module, Any]]) -> Callable[[], tuple[nn.Module, Any]]:
    MANY[factory.__name__] = factory
    return factory


def make(name: str) -> tuple[nn.Module, Any]:
    """The model of that name and its batch; the caller's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, batch = MANY[name]()
        return model.eval(), batch


def _images(channels: int = 3, size: int = 6) -> Tensor:
    return torch.randn(BATCH, channels, size, size)


class TwoTowers(nn.Module):
    """One tower for two images, and a head that compares them."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(2 * 4 * 36, 5)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.head(torch.cat([self.tower(left), self.tower(right)], 1))


@_entry
def two_towers() -> tuple[nn.Module, Any]:
    return TwoTowers(), (_images(), _images())


class IdsAndImage(nn.Module):
    """A sentence of ids through an embedding with places, and an image."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 6, padding_idx=0)
        self.places = nn.Parameter(torch.randn(4, 6))
        self.mix = nn.Linear(6, 8)
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(8 + 4, 3)

    def forward(self, ids: Tensor, image: Tensor, *, scale: float = 1.0) -> Tensor:
        text = F.relu(self.mix(self.words(ids) + self.places)).mean(1)
        return self.head(torch.cat([text, F.relu(self.conv(image * scale)).mean((2, 3))], 1))


@_entry
def ids_and_image() -> tuple[nn.Module, Any]:
    return IdsAndImage(), {"ids": torch.randint(11, (BATCH, 4)), "image": _images()}


@_entry
def ids_alone() -> tuple[nn.Module, Any]:
    layers = nn.Sequential(nn.Embedding(9, 5), nn.Flatten(), nn.Linear(15, 8), nn.ReLU(), nn.Linear(8, 4))
    return layers, torch.randint(9, (BATCH, 3))


class UNet(nn.Module):
    """A dense map the size of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.low, self.up = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(6, 4, 1)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        high = F.relu(self.down(x))
        low = F.relu(self.up(F.relu(self.low(F.avg_pool2d(high, 2)))))
        return self.out(torch.cat([high, F.interpolate(low, scale_factor=2.0)], 1))


@_entry
def dense_map() -> tuple[nn.Module, Any]:
    return UNet(), _images()


class Heads(nn.Module):
    """A trunk of convolutions, and what `give` makes of its value and of the image."""

    def __init__(self, give: Callable[["Heads", Tensor, Tensor], Any]) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(3, 4, 3, padding=1)
        self.boxes, self.scores = nn.Conv2d(4, 4, 1), nn.Linear(4 * 36, 5)
        self.give = give

    def forward(self, x: Tensor) -> Any:
        return self.give(self, F.relu(self.trunk(x)), x)


@_entry
def boxes_and_scores() -> tuple[nn.Module, Any]:
    def give(m: Heads, h: Tensor, x: Tensor) -> Any:
        return {"boxes": m.boxes(h), "scores": torch.sigmoid(m.scores(h.flatten(1)))}

    return Heads(give), _images()


class ModelOutput(OrderedDict[str, Any]):
    """As of the transformers library: an ordered dict that is a dataclass too, without what is None, and a pytree."""

    def __post_init__(self) -> None:
        for field in fields(self):  # pyright: ignore[reportArgumentType]
            value = getattr(self, field.name)
            if value is not None:
                self[field.name] = value


@dataclass
class Detected(ModelOutput):
    """Of two fields that may be there and one that is not."""

    logits: Tensor | None = None
    past: Tensor | None = None
    hidden: tuple[Tensor, ...] | None = None


def _unflatten(values: Any, context: Any) -> Detected:
    return Detected(**dict(zip(context, values, strict=True)))


register_pytree_node(
    Detected,
    lambda output: (list(output.values()), list(output.keys())),
    _unflatten,
    serialized_type_name="tests.Detected",
)


@_entry
def model_output() -> tuple[nn.Module, Any]:
    def give(m: Heads, h: Tensor, x: Tensor) -> Any:
        return Detected(logits=m.scores(h.flatten(1)), hidden=(h, m.boxes(h)))

    return Heads(give), _images()


@dataclass
class Plain:
    """A dataclass that torch knows nothing of."""

    first: Tensor
    second: Tensor


@_entry
def plain_dataclass() -> tuple[nn.Module, Any]:
    def give(m: Heads, h: Tensor, x: Tensor) -> Any:
        return Plain(m.boxes(h), m.scores(h.flatten(1)))

    return Heads(give), _images()


@_entry
def nested() -> tuple[nn.Module, Any]:
    def give(m: Heads, h: Tensor, x: Tensor) -> Any:
        return (m.boxes(h), [None, (m.scores(h.flatten(1)), {"mean": h.mean((1, 2, 3))})])

    return Heads(give), _images()


@_entry
def activation_and_input() -> tuple[nn.Module, Any]:
    """An output that is an activation, one that is it too, one that a stage reads, and one that is the input."""

    def give(m: Heads, h: Tensor, x: Tensor) -> Any:
        before = m.boxes(h)
        return h, before, F.relu(before), x, h

    return Heads(give), _images()


@_entry
def two_and_two() -> tuple[nn.Module, Any]:
    """Two inputs, two outputs, and a pooled path."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(1, 4, 3, padding=1)
            self.head, self.map = nn.Linear(4 * 9, 3), nn.Conv2d(4, 1, 1)

        def forward(self, image: Tensor, depth: Tensor | None = None, *, add: bool = True) -> Any:
            assert depth is not None
            both = F.relu(self.a(image) + self.b(depth)) if add else image
            return self.head(F.max_pool2d(both, 2).flatten(1)), self.map(both)

    return Both(), (_images(), _images(1))
