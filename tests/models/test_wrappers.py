"""Wrappers are looked through, one in another too; what only looks like one is not."""

import pytest
import torch
from torch import Tensor, nn

from spikewright.models.wrappers import look_through


def test_a_network_without_wrappers_is_itself() -> None:
    net = nn.Linear(2, 2)
    assert look_through(net) == (net, ())
    assert look_through(net).note is None


@pytest.mark.filterwarnings("ignore")
def test_wrappers_in_wrappers() -> None:
    net = nn.Linear(2, 2)
    found = look_through(nn.DataParallel(torch.compile(nn.DataParallel(net))))
    assert found.model is net
    assert found.wrappers == ("DataParallel", "OptimizedModule", "DataParallel")
    assert found.note == "looked through DataParallel, OptimizedModule, DataParallel at Linear"


def test_distributed(tmp_path: pytest.TempPathFactory) -> None:
    if not torch.distributed.is_available():
        pytest.skip("this PyTorch has no torch.distributed")
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        net = nn.Linear(2, 2)
        found = look_through(nn.parallel.DistributedDataParallel(net))
    finally:
        torch.distributed.destroy_process_group()
    assert found.model is net
    assert found.wrappers == ("DistributedDataParallel",)


def test_a_network_that_has_a_module_of_that_name_is_no_wrapper() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Linear(2, 2)
            self._orig_mod = 3

        def forward(self, x: Tensor) -> Tensor:
            return -self.module(x)

    own = Own()
    assert look_through(own) == (own, ())
