"""A small digits classifier, trained in a second, once a machine: its source, its data and a run folder of it."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.data import ImageData, load
from spikewright.interchange.run_folder import save_source
from support import zoo
from support.captures import saved

MAKERS = ("src/spikewright/data", "src/spikewright/app/runs/acquire.py", "tests/support/trained.py")


@cache
def digits() -> ImageData:
    """All of them, as the command line loads them."""
    return load("digits")


@cache
def classifier(*levels: int) -> Source:
    """64-20-12-10 with ReLU, or with trained levels of its two activations."""
    name = "-".join(map(str, ("digits", *levels)))
    return saved(name, lambda: _trained(*levels), *MAKERS)[0]


def _trained(*levels: int) -> tuple[Source, Tensor]:
    data = digits()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first, second = [zoo.Rounded(torch.tensor(2.0), count) for count in levels] or [nn.ReLU(), nn.ReLU()]
        layers = (nn.Linear(64, 20), first, nn.Linear(20, 12), second, nn.Linear(12, 10))
        model = nn.Sequential(nn.Flatten(), *layers)
        pairs = acquire.labelled(data.train, data, batch_size=100)
        optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(12):
            for x, labels in pairs:
                optimiser.zero_grad()
                F.cross_entropy(model(x), labels).backward()
                optimiser.step()
    x = pairs[0][0][:2]
    return capture(model.eval(), x, preparation=data.preparation), x


def run_folder(path: Path, *levels: int, data: str | None = "digits") -> Path:
    """The classifier as `train` leaves it."""
    save_source(path, classifier(*levels), about={"model": "small", **({} if data is None else {"data": data})})
    return path
