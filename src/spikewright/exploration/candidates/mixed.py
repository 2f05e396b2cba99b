"""Timesteps of each layer for a given mean: the layers that gain most by a step more get it.

    steps = ⌊mean · layers⌋ in all;  every layer ⌊steps / layers⌋, and the rest one each to the layers whose own step
    more, alone, makes most of what is asked for
Knows nothing about networks: it is handed a function that says how good some timesteps are.
"""

from collections.abc import Callable
from math import floor

Worth = Callable[[tuple[int, ...]], tuple[float, ...]]


def mixed_timesteps(layers: int, mean: float, worth: Worth) -> tuple[int, ...]:
    """Whole timesteps of each layer, whose mean is `mean` or up to 1/layers less.

    Args:
        layers: how many, 1 or more.
        mean: 1 or more.
        worth: of timesteps by layer; the larger, the better, and of equals the earlier layer.
    """
    steps = floor(mean * layers + 1e-9)  # 2.3 · 10 is a little less than 23
    base, more = divmod(steps, layers)
    uniform = (base,) * layers
    if not more:
        return uniform
    raised = [(*uniform[:layer], base + 1, *uniform[layer + 1 :]) for layer in range(layers)]
    if more == 1:
        return max(raised, key=worth)
    worths = [worth(each) for each in raised]
    best = sorted(range(layers), key=lambda layer: worths[layer], reverse=True)[:more]  # stable: earlier first
    return tuple(base + (layer in best) for layer in range(layers))
