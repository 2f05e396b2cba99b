"""How an evaluation looks in a terminal: the source and the spiking network side by side."""

from spikewright.app.cli.console import console, table
from spikewright.measure.accuracy import far_from_mean, lowest_first
from spikewright.measure.evaluation import Evaluation

WORST = 5  # classes that are shown
EXACT = "float64"  # the arithmetic in which two networks are certified equal


def show(title: str, found: Evaluation, *, verdict: str | None = None) -> None:
    """Print the figures as a table and the verdict as a line: the one given, or what the figures say."""
    blank = ""
    trained = found.accuracy_source is None  # directly: there is no source to compare with
    source = "—" if found.accuracy_source is None else f"{found.accuracy_source:.2%}"
    rows = [
        ("accuracy, test", source, f"{found.accuracy_snn:.2%}"),
        *([] if trained else [(f"accuracy at {_levels(found)}", f"{found.accuracy_reference:.2%}", blank)]),
        *([("accuracy, mean of the classes", blank, f"{found.accuracy_balanced:.2%}")] if _uneven(found) else []),
        ("timesteps a stage, mean", blank, f"{found.timesteps_mean:g}"),
        ("steps from image to result", blank, f"{found.latency_steps}"),
        ("spikes a neuron", blank, f"{found.spikes_per_neuron:.2f}"),
        ("accumulations an image", blank, _count(found.synops_per_sample)),
        ("multiplications an image", _count(found.macs_source_per_sample), _count(found.macs_per_sample)),
        *_graded(found),
        *_leaks(found),
        (
            f"energy an image ({found.energy_table})",
            joules(found.energy_joules_source),
            f"{joules(found.energy_joules_snn)}, {_ratio(found)}",
        ),
        ("weights", blank, octets(found.weight_bytes)),
        (
            "membranes, largest stage / all",
            blank,
            f"{octets(found.membrane_bytes_peak)} / {octets(found.membrane_bytes_all)}",
        ),
        (f"images a second ({_timed(found)}, this machine)", blank, f"{found.samples_per_second:,.0f}"),
    ]
    console.print(table(title, (f"{found.samples:,} images", "source", "spiking"), rows))
    console.print(verdict or _verdict(found))
    if found.arithmetic != EXACT or found.engine != "float" or found.weight_bits:
        console.print(_beside(found))
    if _uneven(found):
        console.print(_of_classes(found))
    if found.dead_stages:
        console.print(f"warning: {found.dead_stages} stages never fired")


def _verdict(found: Evaluation) -> str:
    """Of the network as it was run: rounding in its arithmetic is no less its own than its spikes."""
    if found.arithmetic == EXACT:
        return _in_float64(found)
    what, reference = "codes", "the quantised source"
    if found.codes_compared_with == "stepwise":
        what, reference = "spike counts", "the same network step by step"
    same = "equal to" if found.mismatched_codes_engine == 0 else "not equal to"
    return (
        f"mismatched {what}: {found.mismatched_codes_engine:,} of {found.codes_total:,} integer codes of "
        f"{found.codes_images:,} images, engine {found.engine} ({found.arithmetic}): {same} {reference} in float64"
    )


def _in_float64(found: Evaluation) -> str:
    compared = f"{found.codes_total:,} integer codes of {found.codes_images:,} images, on two engines"
    if found.codes_compared_with == "stepwise":
        same = "the two engines are equal" if found.mismatched_codes == 0 else "the engines differ"
        return f"mismatched spike counts: {found.mismatched_codes:,} of {compared}, in float64: {same}"
    if found.mismatched_codes == 0:
        return f"mismatched codes: 0 of {compared}, in float64: the two networks are equal"
    return f"mismatched codes: {found.mismatched_codes:,} of {compared}: not equal to the quantised source"


def _timed(found: Evaluation) -> str:
    """What the speed is that of: float32, or the engine that was asked for."""
    return "float32" if found.engine == "float" else f"engine {found.engine}"


def _beside(found: Evaluation) -> str:
    """What there is to say below the verdict: of the weights, and of the other arithmetic."""
    bits = ", ".join(map(str, found.weight_bits))
    bits_of = f"weights of {bits} bits; " if bits else ""
    if found.arithmetic != EXACT:
        return f"{bits_of}had it run in float64: {_in_float64(found)}"
    return (
        f"{bits_of}engine {found.engine} ({found.arithmetic}): {found.mismatched_codes_engine:,} of "
        f"{found.codes_total:,} codes differ from float64"
    )


def _levels(found: Evaluation) -> str:
    return f"{found.levels_reference} levels" if isinstance(found.levels_reference, int) else "its levels"


def _graded(found: Evaluation) -> list[tuple[str, str, str]]:
    """What is computed with numbers, by no spike."""
    if not found.graded_nodes:
        return []
    counts = {
        "multiplications": found.graded_multiplications_per_sample,
        "additions": found.graded_additions_per_sample,
        "comparisons": found.graded_comparisons_per_sample,
        "divisions": found.graded_divisions_per_sample,
        "roots": found.graded_roots_per_sample,
        "exponentials": found.graded_exponentials_per_sample,
    }
    names = ", ".join(found.graded_nodes[:WORST]) + (", …" if len(found.graded_nodes) > WORST else "")
    return [
        (f"graded nodes: {names}", "", f"{len(found.graded_nodes)}"),
        *((f"{name} of graded nodes an image", "", _count(count)) for name, count in counts.items() if count),
    ]


def _leaks(found: Evaluation) -> list[tuple[str, str, str]]:
    """What the decay of membranes costs; a shift is priced where the table has a price."""
    counts = (
        ("multiplications", found.leak_multiplications_per_sample),
        ("shifts", found.leak_shifts_per_sample),
    )
    return [(f"{name} of leaks an image", "", _count(count)) for name, count in counts if count]


def _uneven(found: Evaluation) -> bool:
    """Whether accuracy alone misleads: a class is recognised less than half as often, or their mean is far off."""
    classes = lowest_first(found.accuracy_by_class)
    return len(classes) > 1 and (
        classes[0][1] <= found.accuracy_snn / 2 or far_from_mean(found.accuracy_snn, found.accuracy_balanced)
    )


def _of_classes(found: Evaluation) -> str:
    worst = ", ".join(f"{k} {share:.2%}" for k, share in lowest_first(found.accuracy_by_class)[:WORST])
    constant = f"always answering the commonest class gets {found.accuracy_constant:.2%}"
    return f"accuracy by class, the lowest: {worst}; {constant}"


def _ratio(found: Evaluation) -> str:
    if found.gains_nothing is not None:
        return f"no gain: {found.gains_nothing}"
    if not found.energy_joules_snn:
        return "no work at all"
    if found.energy_joules_snn > found.energy_joules_source:
        return f"{found.energy_joules_snn / found.energy_joules_source:.2f}× more"
    return f"{found.energy_joules_source / found.energy_joules_snn:.1f}× less"


def _count(number: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.2f} {unit}"
    return f"{number:g}"


def joules(number: float) -> str:
    """An energy in the unit that fits it."""
    for limit, unit in ((1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ")):
        if number >= limit:
            return f"{number / limit:.2f} {unit}"
    return f"{number / 1e-12:.2f} pJ"


def octets(number: float) -> str:
    """Bytes in the unit that fits them, of 10^3 or 10^6."""
    if number < 1e3:
        return f"{number:.0f} bytes"
    return f"{number / 1e6:.2f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"
