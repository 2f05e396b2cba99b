"""No plan holds these: staging takes them apart."""

from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.ops.rules import Refused

RULES = dict.fromkeys((BatchNorm, Offset, Activation), Refused("staging takes it apart before there is a plan"))
