"""The reference: what it rounds to, and that its bounds hold against exact fractions."""

import math
from fractions import Fraction

import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.measure.equality.reference import Rounding, in_float64, refer


def _rule(unit: float, levels: int) -> Rounding:
    tensor = torch.tensor(unit, dtype=torch.float64)
    return Rounding(tensor, tensor / 2, levels, levels.bit_length())


def _fractions(tensor: torch.Tensor) -> list:
    return [[Fraction(v) for v in row] for row in tensor.tolist()]


def test_codes_distances_and_bounds_against_fractions() -> None:
    """Every rounding error of the potentials lies within the bound that is stated for it."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(40, 12), nn.ReLU(), nn.Linear(12, 6), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    x = torch.randn(9, 40, generator=generator) * 100
    source = capture(model, x)
    rules = {"1": _rule(3.7, 7), "4": _rule(0.31, 3)}
    truth = refer(source, x, rules, arrays=in_float64(source))
    layers = {
        name: (_fractions(model[name].weight), [Fraction(b) for b in model[name].bias.tolist()])
        for name in (0, 2, 3, 5)
    }

    def apply(layer: int, values: list[Fraction]) -> list[Fraction]:
        weight, bias = layers[layer]
        return [sum((w * v for w, v in zip(row, values, strict=True)), b) for row, b in zip(weight, bias, strict=True)]

    def fire(name: str, values: list[Fraction], sample: int) -> list[Fraction]:
        rule = rules[name]
        unit = Fraction(float(rule.unit))
        out = []
        for neuron, value in enumerate(values):
            u = value / unit + Fraction(1, 2)
            nearest = min(max(round(u), 1), rule.levels)
            margin = truth.margins[name]
            distance = Fraction(float(margin.distance[sample, neuron]))
            bound = Fraction(float(margin.bound[sample, neuron]))
            assert abs(distance - abs(u - nearest)) <= bound
            assert 0 < bound < Fraction(1, 10**9)
            code = min(max(math.floor(u), 0), rule.levels)
            if distance > 2 * bound:
                assert round(float(truth.values[name][sample, neuron] / rule.unit)) == code
            out.append(code * unit)
        return out

    for sample, values in enumerate(_fractions(x)):
        hidden = fire("1", apply(0, values), sample)
        hidden = fire("4", apply(3, apply(2, hidden)), sample)
        for neuron, exact in enumerate(apply(5, hidden)):
            error = abs(Fraction(float(truth.output[sample, neuron])) - exact)
            assert error <= Fraction(float(truth.output_bound[sample, neuron]))


def test_a_tie_goes_up() -> None:
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    x = torch.tensor([[-0.5, 0.0, 0.49, 0.5, 1.0, 1.5, 6.5, 7.4, 100.0]])
    source = capture(model, x)
    name = source.activations[0].name
    truth = refer(source, x, {name: _rule(1.0, 7)}, arrays=in_float64(source))
    assert truth.values[name][0].tolist() == [0, 0, 0, 1, 1, 2, 7, 7, 7]
    # u is x + ½, boundaries lie at 1..7
    expected = torch.tensor([1, 0.5, 0.01, 0, 0.5, 0, 0, 0.9, 93.5], dtype=torch.float64)
    torch.testing.assert_close(truth.margins[name].distance[0], expected, rtol=1e-6, atol=1e-6)
