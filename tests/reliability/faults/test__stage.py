"""Hooks that change nothing return what they are given."""

import numpy as np
import torch

from spikewright.reliability.faults._stage import Untouched
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.schedules import Drive


def test_nothing_is_touched() -> None:
    none, images = Untouched(), np.arange(2)
    drive = Drive(torch.ones(1, 2, 3), None, torch.zeros(()), torch.ones(()))
    law, train = Leaky(), torch.ones(4, 2, 3)
    assert none.drive(drive) is drive
    assert none.law(law, images, drive.threshold) is law
    assert none.train(train, images) is train
    assert torch.equal(none.value(train[0], images, 3.0), train[0])
