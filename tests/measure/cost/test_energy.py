"""Energies worked out by hand."""

import pytest

from spikewright.errors import BadSetting
from spikewright.measure.cost.energy import TABLES, energy_joules_source, energy_snn, energy_table
from spikewright.measure.cost.neuron_operations import NeuronOperations

NOTHING = NeuronOperations(shifts=0, compares=0, resets=0, injections=0)


@pytest.mark.parametrize(
    ("name", "mac_picojoules", "accumulate_picojoules"),
    [
        ("horowitz_int32", 3.2, 0.1),
        ("horowitz_fp32", 4.6, 0.9),
        ("horowitz_int8", 0.23, 0.03),
        ("snn_meets_ann_32", 3.2, 0.1),
        ("snn_meets_ann_8", 0.23, 0.03),
    ],
)
def test_tables(name: str, mac_picojoules: float, accumulate_picojoules: float) -> None:
    table = energy_table(name)
    assert energy_joules_source(table, 1000) == pytest.approx(mac_picojoules * 1e-9, rel=1e-9, abs=0)
    one = energy_snn(table, synops_per_sample=1, macs_per_sample=0, operations=NOTHING)
    assert one.total_joules == pytest.approx(accumulate_picojoules * 1e-12, rel=1e-9, abs=0)


def test_breakdown_where_everything_is_priced() -> None:
    operations = NeuronOperations(shifts=100, compares=50, resets=20, injections=0)
    found = energy_snn(TABLES["snn_meets_ann_32"], synops_per_sample=1000, macs_per_sample=10, operations=operations)
    assert found.accumulate_joules == pytest.approx(100e-12, rel=1e-9, abs=0)
    assert found.mac_joules == pytest.approx(32e-12, rel=1e-9, abs=0)
    assert found.shift_joules == pytest.approx(13e-12, rel=1e-9, abs=0)
    assert found.compare_joules == pytest.approx(4e-12, rel=1e-9, abs=0)
    assert found.reset_joules == pytest.approx(2e-12, rel=1e-9, abs=0)
    assert found.total_joules == pytest.approx(151e-12, rel=1e-9, abs=0)


@pytest.mark.parametrize(("name", "accumulate_picojoules"), [("horowitz_fp32", 0.9), ("snn_meets_ann_8", 0.03)])
def test_an_injection_is_an_addition(name: str, accumulate_picojoules: float) -> None:
    operations = NeuronOperations(shifts=0, compares=0, resets=0, injections=40)
    found = energy_snn(energy_table(name), synops_per_sample=7, macs_per_sample=0, operations=operations)
    assert found.inject_joules == pytest.approx(40 * accumulate_picojoules * 1e-12, rel=1e-9, abs=0)
    assert found.total_joules == pytest.approx(47 * accumulate_picojoules * 1e-12, rel=1e-9, abs=0)


@pytest.mark.parametrize(("name", "multiply_picojoules"), [("horowitz_int32", 3.1), ("horowitz_fp32", 3.7)])
def test_a_leak_is_a_multiplication(name: str, multiply_picojoules: float) -> None:
    operations = NeuronOperations(
        shifts=0, compares=0, resets=0, injections=0, leak_multiplications=60, leak_shifts=1000
    )
    found = energy_snn(energy_table(name), synops_per_sample=0, macs_per_sample=0, operations=operations)
    assert found.total_joules == found.leak_joules == pytest.approx(60 * multiply_picojoules * 1e-12, rel=1e-9, abs=0)


def test_shifts_of_trains_of_leaks_and_of_gains_cost_the_same() -> None:
    operations = NeuronOperations(shifts=100, compares=0, resets=0, injections=0, leak_shifts=20)
    table = TABLES["snn_meets_ann_8"]
    found = energy_snn(table, synops_per_sample=0, macs_per_sample=0, operations=operations, scale_shifts=3)
    assert found.total_joules == found.shift_joules == pytest.approx(123 * 0.024e-12, rel=1e-9, abs=0)


def test_what_a_table_does_not_price_is_none_and_not_zero() -> None:
    operations = NeuronOperations(shifts=100, compares=50, resets=20, injections=0)
    found = energy_snn(TABLES["horowitz_int32"], synops_per_sample=1000, macs_per_sample=10, operations=operations)
    assert (found.shift_joules, found.compare_joules, found.reset_joules) == (None, None, None)
    assert found.total_joules == pytest.approx(132e-12, rel=1e-9, abs=0)


def test_an_unknown_table_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadSetting, match=r"horowitz_int8.*snn_meets_ann_8"):
        energy_table("horowitz")
