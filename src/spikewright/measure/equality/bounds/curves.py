"""An activation starts anew: it is rounded."""

from spikewright.ann.ops.curves import Curve
from spikewright.ann.ops.rules import Refused

RULES: dict[type, Refused] = {
    Curve: Refused("the reference rounds it, by the levels of the network it is compared with"),
}
