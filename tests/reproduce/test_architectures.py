"""The list of public architectures, and the table that was made of it."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from support.scripts import FOLDER, loaded
from torch import nn


@pytest.fixture(scope="module")
def networks() -> Iterator[ModuleType]:
    with loaded("public_networks") as module:
        yield module


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    return json.loads((FOLDER / "architectures.json").read_text())


def test_names_are_unique_and_rows_are_of_them(networks: ModuleType, table: dict[str, Any]) -> None:
    names = [network.name for network in networks.NETWORKS]
    assert len(set(names)) == len(names)
    assert list(table["rows"]) == [name for name in names if name in table["rows"]]
    assert table["architectures"] == len(table["rows"])


def test_no_code_differs_and_each_is_compared_on_many(table: dict[str, Any]) -> None:
    converted = {name: row for name, row in table["rows"].items() if row["captured"]}
    assert table["converted"] == len(converted)
    assert table["with_mismatches"] == []
    for name, row in converted.items():
        for steps in (1, 4, 8):
            found = row[f"T={steps}"]
            assert found["mismatched_codes"] == 0, name
            assert found["codes_total"] >= 100_000, name
        assert row["stages"] == sum(row["stages_by_law"].values())
    for name, row in table["rows"].items():
        assert row["captured"] or row.get("refused") or row.get("stopped"), name


def test_norms_have_seen_the_mean_of_the_batches(networks: ModuleType) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
    observed = networks.observed(net, (3, 5, 5), batches=2, size=6)
    generator = torch.Generator().manual_seed(networks.SEED)
    seen = [net[0](torch.randn(6, 3, 5, 5, generator=generator)).detach() for _ in range(2)]
    assert not observed.training
    assert torch.allclose(net[1].running_mean, torch.stack([x.mean((0, 2, 3)) for x in seen]).mean(0), atol=1e-6)
    assert torch.allclose(net[1].running_var, torch.stack([x.var((0, 2, 3)) for x in seen]).mean(0), atol=1e-6)
    assert net[1].num_batches_tracked == 2


def test_images_are_others_than_those(networks: ModuleType) -> None:
    first = networks.images(4, (3, 5, 5))
    assert torch.equal(first, networks.images(4, (3, 5, 5)))
    assert not torch.equal(first, torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(networks.SEED)))
