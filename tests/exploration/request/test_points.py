"""Names: one a point, fit for a file."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.exploration.request.points import Converted, Point, Trained, number

REALS = st.floats(min_value=1e-6, max_value=1e6)
TRAINED = st.builds(
    Trained,
    timesteps=st.integers(1, 100),
    threshold=REALS,
    bits=st.integers(2, 16),
    neuron=st.just("lif"),
    leak=REALS,
)
SPECS = st.sampled_from(
    ["exact", "cos:rounds=3", "cos-rounds=3", "a:b", "a/b", "a b", "qcfs:alignment=average,replicate"]
)
CONVERTED = st.builds(Converted, method=SPECS, bits=st.integers(2, 16), timesteps=st.integers(1, 9)) | st.builds(
    Converted, method=SPECS, bits=st.integers(2, 16), mean_timesteps=REALS
)


@pytest.mark.parametrize(
    ("point", "name", "made"),
    [
        (Trained(timesteps=10, threshold=1.5, bits=8), "t10_th1.5_if_b8", "t10_th1.5_if"),
        (Trained(timesteps=3, threshold=1, bits=4, neuron="lif", leak=0.9), "t3_th1_lif0.9_b4", "t3_th1_lif0.9"),
        (Converted(method="exact", timesteps=4, bits=8), "exact_t4_b8", "exact_t4"),
        (Converted(method="cos:rounds=3", mean_timesteps=2.5, bits=2), "cos-rounds=3_m2.5_b2", "cos-rounds=3_m2.5"),
    ],
)
def test_names_are_short(point: Point, name: str, made: str) -> None:
    assert point.name == name
    assert point.made_name == made
    assert json.loads(json.dumps(point.settings))["bits"] == point.bits


@given(first=TRAINED | CONVERTED, second=TRAINED | CONVERTED)
def test_different_points_have_different_names_that_files_may_have(first: Point, second: Point) -> None:
    spec = {point.method for point in (first, second) if isinstance(point, Converted)}
    if not {"cos:rounds=3", "cos-rounds=3"} <= spec:  # no method's name holds a '-'
        assert (first.name == second.name) == (first == second)
        assert (first.made_name == second.made_name) == (
            {**first.settings, "bits": 0} == {**second.settings, "bits": 0}
        )
    assert re.fullmatch(r"[\w=.,%+-]+", first.name)


@given(value=REALS)
def test_a_number_can_be_read_back(value: float) -> None:
    assert float(number(value)) == value
