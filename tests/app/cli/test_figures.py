"""What `evaluate` prints: figures in their columns, a verdict on the network that was run, no gain that is none."""

from dataclasses import fields, replace
from typing import Any

import pytest

from spikewright.app.cli.figures import show
from spikewright.measure.evaluation import Evaluation

FOUND = Evaluation(
    accuracy_source=0.9125, accuracy_reference=0.8875, levels_reference=15, accuracy_snn=0.8625,
    accuracy_balanced=0.8625,
    accuracy_by_class=(0.87, 0.855), accuracy_constant=0.5, leak_multiplications_per_sample=0,
    leak_shifts_per_sample=0, mismatched_codes=0,
    codes_total=12_345, timesteps_mean=4.5, timesteps_mean_neurons=4.25, latency_steps=9, spikes_per_neuron=0.375,
    input_spikes_per_sample=11, synops_per_sample=123_400, synops_hidden_per_sample=100_000, macs_per_sample=5_670,
    macs_source_per_sample=8_900_000, energy_table="horowitz_int32", energy_joules_source=28.48e-6,
    energy_joules_snn=3.56e-6, weight_bytes=7_500, membrane_bytes_peak=640, membrane_bytes_all=2_500_000,
    dead_stages=0, samples=450, samples_per_second=6_789.4, engine="float", arithmetic="float64", codes_images=77,
    mismatched_codes_engine=0, codes_compared_with="source", weight_bits=(),
)  # fmt: skip


def shown(capsys: pytest.CaptureFixture[str], verdict: str | None = None, **changes: Any) -> list[str]:
    show("runs/x", replace(FOUND, **changes), verdict=verdict)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_every_figure_stands_in_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys)
    for line in (
        "runs/x",
        "450 images source spiking",
        "accuracy, test 91.25% 86.25%",
        "accuracy at 15 levels 88.75%",
        "timesteps a stage, mean 4.5",
        "steps from image to result 9",
        "spikes a neuron 0.38",
        "accumulations an image 123.40 k",
        "multiplications an image 8.90 M 5.67 k",
        "energy an image (horowitz_int32) 28.48 µJ 3.56 µJ, 8.0× less",
        "weights 7.5 kB",
        "membranes, largest stage / all 640 bytes / 2.50 MB",
        "images a second (float32, this machine) 6,789",
    ):
        assert line in lines
    assert lines[-1].startswith("mismatched codes: 0 of 12,345 integer codes of 77 images, on two engines, in float64:")
    assert lines[-1].endswith("the two networks are equal")
    assert len(lines) == 14


def test_figures_of_the_source_stand_in_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    show("runs/x", FOUND)
    lines = capsys.readouterr().out.splitlines()
    head = next(line for line in lines if line.startswith("450 images"))
    source, spiking = head.index("source") + len("source"), head.index("spiking") + len("spiking")

    def ends(label: str, text: str) -> int:
        line = next(line for line in lines if line.startswith(label))
        return line.index(text) + len(text)

    assert ends("accuracy, test", "91.25%") == ends("accuracy at", "88.75%") == source
    assert ends("accuracy, test", "86.25%") == ends("spikes a neuron", "0.38") == spiking


def test_a_directly_trained_network_has_no_source(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, accuracy_source=None, codes_compared_with="stepwise")
    assert "accuracy, test — 86.25%" in lines
    assert not any(line.startswith("accuracy at") for line in lines)
    assert lines[-1].startswith("mismatched spike counts: 0 of 12,345") and lines[-1].endswith("engines are equal")
    assert shown(capsys, codes_compared_with="stepwise", mismatched_codes=3)[-1].endswith("the engines differ")


def test_the_headline_is_about_the_network_that_was_run(capsys: pytest.CaptureFixture[str]) -> None:
    int8 = {"engine": "int8", "arithmetic": "integers; products: int8"}
    *_, headline, below = shown(capsys, **int8, mismatched_codes_engine=1_111)
    assert headline.startswith("mismatched codes: 1,111 of 12,345 integer codes of 77 images, engine int8 (integers;")
    assert headline.endswith("not equal to the quantised source in float64")
    assert below.startswith("had it run in float64: mismatched codes: 0 of 12,345")
    *_, headline, _ = shown(capsys, **int8)
    assert headline.startswith("mismatched codes: 0 ") and headline.endswith(
        ": equal to the quantised source in float64"
    )
    *_, headline, _ = shown(capsys, arithmetic="float32", mismatched_codes_engine=2)
    assert headline.startswith("mismatched codes: 2 of") and "not equal to the quantised source" in headline
    *_, headline, below = shown(capsys, **int8, weight_bits=(4, 8), codes_compared_with="stepwise")
    assert headline.endswith(": equal to the same network step by step in float64")
    assert below.startswith("weights of 4, 8 bits; had it run in float64: mismatched spike counts: 0 of")


def test_a_network_that_is_not_its_source_is_not_called_equal(capsys: pytest.CaptureFixture[str]) -> None:
    line = shown(capsys, mismatched_codes=5)[-1]
    assert line.startswith("mismatched codes: 5 of") and line.endswith("not equal to the quantised source")
    assert shown(capsys, verdict="as proven")[-1] == "as proven"


def test_stages_that_never_fire_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, dead_stages=2)[-1] == "warning: 2 stages never fired"
    assert not any(line.startswith("warning") for line in shown(capsys))


def test_no_energy_and_mixed_levels(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, energy_joules_snn=0.0, levels_reference=(3, 7))
    assert "energy an image (horowitz_int32) 28.48 µJ 0.00 pJ, no work at all" in lines
    assert "accuracy at its levels 88.75%" in lines


PLAIN: dict[str, Any] = {
    **{field.name: 1 for field in fields(Evaluation)},
    "accuracy_source": 0.9,
    "accuracy_snn": 0.9,
    "accuracy_balanced": 0.9,
    "accuracy_by_class": (0.92, 0.88),
    "accuracy_constant": 0.5,
    "samples": 450,
    "mismatched_codes": 0,
    "leak_multiplications_per_sample": 0,
    "leak_shifts_per_sample": 0,
    "graded_nodes": (),
    "energy_table": "horowitz_int32",
    "energy_joules_source": 8e-9,
    "energy_joules_snn": 1e-9,
    "dead_stages": 0,
    "engine": "float",
    "arithmetic": "float64",
    "codes_compared_with": "source",
    "weight_bits": (),
}
PLAIN_FOUND = Evaluation(**PLAIN)


def said(capsys: pytest.CaptureFixture[str], found: Evaluation) -> str:
    show("run", found)
    return " ".join(capsys.readouterr().out.split())


def test_a_plain_network(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, PLAIN_FOUND)
    assert "1.00 nJ, 8.0× less" in text
    assert "12.00 nJ, 1.50× more" in said(capsys, replace(PLAIN_FOUND, energy_joules_snn=12e-9))
    assert "leaks" not in text and "class" not in text and "warning" not in text


def test_leaks_have_a_row_of_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert "multiplications of leaks an image 10.24 k" in said(
        capsys, replace(PLAIN_FOUND, leak_multiplications_per_sample=10240)
    )
    assert "shifts of leaks an image 10.24 k" in said(capsys, replace(PLAIN_FOUND, leak_shifts_per_sample=10240))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (replace(PLAIN_FOUND, spikes_per_neuron=0.0, dead_stages=3), "no gain: nothing fires"),
        (replace(PLAIN_FOUND, accuracy_snn=0.5), "no gain: accuracy is not above the 50.00% of one answer for all"),
        (replace(PLAIN_FOUND, accuracy_snn=0.54), "no gain: 450 images do not show accuracy above the 50.00%"),
    ],
)
def test_an_energy_that_is_no_gain_is_not_called_one(
    found: Evaluation, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, found)
    assert why in text
    assert "less" not in text


def test_a_class_that_is_not_recognised_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, replace(PLAIN_FOUND, accuracy_balanced=0.64, accuracy_by_class=(0.99, 0.93, None, 0.0)))
    assert "accuracy, mean of the classes 64.00%" in text
    assert "accuracy by class, the lowest: 3 0.00%, 1 93.00%, 0 99.00%; always answering" in text


def test_graded_nodes_are_named_with_what_they_compute(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("graded" in line for line in shown(capsys))
    lines = shown(
        capsys, graded_nodes=("gate", "norm"), graded_multiplications_per_sample=2_500, graded_roots_per_sample=3
    )
    for line in (
        "graded nodes: gate, norm 2",
        "multiplications of graded nodes an image 2.50 k",
        "roots of graded nodes an image 3",
    ):
        assert line in lines
    assert not any("divisions" in line for line in lines)
    many = shown(capsys, graded_nodes=tuple("abcdefg"))
    assert "graded nodes: a, b, c, d, e, … 7" in many
