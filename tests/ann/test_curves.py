"""The functions of activations against arithmetic in 40 digits: values, extrema, ranges and steepness."""

import mpmath as mp
import pytest
import torch

from spikewright.ann.curves import FUNCTIONS, Function

PARAMETERS = {"softplus": (2.0, 20.0), "elu": (0.7, 1.1, 0.9), "threshold": (0.25, -0.5)}
SLOPES = (-0.5, 0.0, 0.25)


def _exact(name: str, z: mp.mpf) -> mp.mpf:
    sigma = 1 / (1 + mp.e**-z)
    match name:
        case "gelu":
            return z * mp.erfc(-z / mp.sqrt(2)) / 2
        case "gelu_tanh":
            return z * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (z + mp.mpf("0.044715") * z**3))) / 2
        case "silu":
            return z * sigma
        case "hardswish":
            return z * min(max(z + 3, 0), 6) / 6
        case "mish":
            return z * mp.tanh(mp.log1p(mp.e**z))
        case "sigmoid":
            return sigma
        case "hardsigmoid":
            return mp.mpf(min(max(z + 3, 0), 6)) / 6
        case "tanh":
            return mp.tanh(z)
        case "softplus":
            return mp.log1p(mp.e ** (2 * z)) / 2 if 2 * z <= 20 else z
        case "elu":
            return mp.mpf(1.1) * (z if z > 0 else mp.mpf(0.7) * mp.expm1(z * mp.mpf(0.9)))
        case "threshold":
            return z if z > 0.25 else mp.mpf(-0.5)
        case "identity":
            return z
        case "abs":
            return abs(z)
    raise AssertionError(name)


def _of(name: str, z: torch.Tensor, slope: float | None = None) -> torch.Tensor:
    taken = None if slope is None else torch.tensor(slope, dtype=torch.float64)
    return FUNCTIONS[name].evaluate(z, PARAMETERS.get(name, ()), taken)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"prelu"}))
def test_values(name: str) -> None:
    z = torch.linspace(-30, 30, 1201, dtype=torch.float64)
    with mp.workdps(40):
        expected = torch.tensor([float(_exact(name, mp.mpf(float(each)))) for each in z], dtype=torch.float64)
    assert float(((_of(name, z) - expected).abs() / (2**-53 * (expected.abs() + 1))).max()) <= 8, "8 roundings"


@pytest.mark.parametrize("slope", SLOPES)
def test_prelu(slope: float) -> None:
    z = torch.tensor([-4.0, -0.5, 0.0, 0.5, 4.0], dtype=torch.float64)
    assert _of("prelu", z, slope).tolist() == [each if each > 0 else each * slope for each in z.tolist()]


@pytest.mark.parametrize("name", sorted(name for name, one in FUNCTIONS.items() if one.minimum and name != "prelu"))
def test_the_minimum_is_where_it_is_said_to_be(name: str) -> None:
    with mp.workdps(40):
        if name != "hardswish":
            place = mp.findroot(lambda z: mp.diff(lambda t: _exact(name, t), z), FUNCTIONS[name].minimum)
            assert float(place) == FUNCTIONS[name].minimum
        assert float(_exact(name, mp.mpf(FUNCTIONS[name].minimum))) == FUNCTIONS[name].range(()).low


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"prelu", "threshold"}))
def test_range_and_shape(name: str) -> None:
    one: Function = FUNCTIONS[name]
    parameters = PARAMETERS.get(name, ())
    z = torch.linspace(-30, 30, 60_001, dtype=torch.float64)
    value, span = _of(name, z), one.range(parameters)
    slack = 1e-12
    assert span.low is None or float(value.min()) >= span.low - slack
    assert span.high is None or float(value.max()) <= span.high + slack
    assert span.high is not None or float(value.max()) > 20
    slopes = value.diff() / z.diff()
    rising = slopes if one.minimum is None else slopes[z[:-1] >= one.minimum]
    assert float(rising.min()) >= -slack
    assert one.minimum is None or float(slopes[z[1:] <= one.minimum].max()) <= slack
    assert float(slopes.abs().max()) <= one.steepness(parameters) + 1e-9
    assert float(slopes.abs().max()) >= 0.9 * one.steepness(parameters), "and no more than it needs to be"


def test_a_threshold_jumps_up_where_it_says() -> None:
    one = FUNCTIONS["threshold"]
    assert one.jump is not None
    assert one.jump((0.25, -0.5)) == 0.25
    assert _of("threshold", torch.tensor([0.25, 0.2500001], dtype=torch.float64)).tolist() == [-0.5, 0.2500001]
    assert one.range((0.25, -0.5)).low == -0.5
