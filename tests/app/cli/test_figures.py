"""What the table of an evaluation says: leaks, energies that are no gain, and classes that are not recognised."""

from dataclasses import fields, replace
from typing import Any

import pytest

from spikewright.app.cli.figures import show
from spikewright.measure.evaluation import Evaluation

PLAIN: dict[str, Any] = {
    **{field.name: 1 for field in fields(Evaluation)},
    "accuracy_source": 0.9,
    "accuracy_snn": 0.9,
    "accuracy_balanced": 0.9,
    "accuracy_by_class": (0.92, 0.88),
    "accuracy_constant": 0.5,
    "mismatched_codes": 0,
    "leak_multiplications_per_sample": 0,
    "leak_shifts_per_sample": 0,
    "energy_table": "horowitz_int32",
    "energy_joules_source": 8e-9,
    "energy_joules_snn": 1e-9,
    "dead_stages": 0,
    "engine": "float",
    "codes_compared_with": "source",
    "weight_bits": (),
}
FOUND = Evaluation(**PLAIN)


def said(capsys: pytest.CaptureFixture[str], found: Evaluation) -> str:
    show("run", found)
    return " ".join(capsys.readouterr().out.split())


def test_a_plain_network(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, FOUND)
    assert "1.00 nJ, 8.0× less" in text
    assert "12.00 nJ, 1.50× more" in said(capsys, replace(FOUND, energy_joules_snn=12e-9))
    assert "leaks" not in text and "class" not in text and "warning" not in text


def test_leaks_have_a_row_of_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert "multiplications of leaks an image 10.24 k" in said(
        capsys, replace(FOUND, leak_multiplications_per_sample=10240)
    )
    assert "shifts of leaks an image 10.24 k" in said(capsys, replace(FOUND, leak_shifts_per_sample=10240))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (replace(FOUND, spikes_per_neuron=0.0, dead_stages=3), "no gain: nothing fires"),
        (replace(FOUND, accuracy_snn=0.5), "no gain: accuracy is not above the 50.00% of one answer for all"),
    ],
)
def test_an_energy_that_is_no_gain_is_not_called_one(
    found: Evaluation, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, found)
    assert why in text
    assert "less" not in text


def test_a_class_that_is_not_recognised_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, replace(FOUND, accuracy_balanced=0.64, accuracy_by_class=(0.99, 0.93, None, 0.0)))
    assert "accuracy, mean of the classes 64.00%" in text
    assert "accuracy by class, the lowest: 3 0.00%, 1 93.00%, 0 99.00%; always answering" in text
