"""Energy of the arithmetic, by published tables of one operation's energy; memory traffic is not in it.

    source: MACs · mac + graded
    SNN:    (SynOps + injections) · accumulate + graded MACs · mac + leaks · multiply + graded (+ shifts + compares
            + resets)
    graded: additions · add + multiplications · multiply + (divisions + roots) · divide + exponentials · exponential
            (+ comparisons · compare)
A leak that is a power of two is a shift; what it is multiplied into is added by the accumulations. Graded is what
norms, softmax and quotients compute. One table serves both sides of a comparison, so a ratio never mixes two number
formats. Knows nothing about networks: it is handed counts.
"""

from dataclasses import dataclass

from spikewright.ann.ops import Work
from spikewright.errors import BadSetting
from spikewright.measure.cost.neuron_operations import NeuronOperations

JOULES_PER_PICOJOULE = 1e-12
# measured on a processor, floating point: Table 3 of https://pmc.ncbi.nlm.nih.gov/articles/PMC8934428/
MULTIPLICATIONS_PER_DIVISION = 7.1
# a model: range reduction and a polynomial, six fused steps in all
MACS_PER_EXPONENTIAL = 6
NO_WORK = Work()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyTable:
    """Energy of one operation in a 45 nm process, in picojoules; what a table does not give is None."""

    number_format: str
    multiply_picojoules: float
    add_picojoules: float
    shift_picojoules: float | None = None
    compare_picojoules: float | None = None

    @property
    def mac_joules(self) -> float:
        """One multiplication and the addition of its product."""
        return (self.multiply_picojoules + self.add_picojoules) * JOULES_PER_PICOJOULE

    @property
    def multiply_joules(self) -> float:
        """One multiplication alone: of a membrane by its leak."""
        return self.multiply_picojoules * JOULES_PER_PICOJOULE

    @property
    def accumulate_joules(self) -> float:
        """One addition: of a weight, where a spike arrives."""
        return self.add_picojoules * JOULES_PER_PICOJOULE

    @property
    def divide_joules(self) -> float:
        """One division, or square root."""
        return MULTIPLICATIONS_PER_DIVISION * self.multiply_joules

    @property
    def exponential_joules(self) -> float:
        """One exponential."""
        return MACS_PER_EXPONENTIAL * self.mac_joules

    def graded_joules(self, work: Work) -> float:
        """What is not linear, but for products of signals, which are MACs; comparisons where they have a price."""
        compare = (self.compare_picojoules or 0.0) * JOULES_PER_PICOJOULE
        return (
            work.additions * self.accumulate_joules
            + work.multiplications * self.multiply_joules
            + (work.divisions + work.roots) * self.divide_joules
            + work.exponentials * self.exponential_joules
            + work.comparisons * compare
        )


TABLES = {
    # Horowitz, "Computing's Energy Problem", ISSCC 2014, Fig. 1.1.9 (45 nm, 0.9 V): 32-bit integer
    "horowitz_int32": EnergyTable(number_format="int32", multiply_picojoules=3.1, add_picojoules=0.1),
    # the same figure: 32-bit floating point
    "horowitz_fp32": EnergyTable(number_format="fp32", multiply_picojoules=3.7, add_picojoules=0.9),
    # the same figure: 8-bit integer (its accumulator is 8 bits wide too, which a deep sum would overflow)
    "horowitz_int8": EnergyTable(number_format="int8", multiply_picojoules=0.2, add_picojoules=0.03),
    # "When SNN meets ANN", Table 6, 32 bits: shift after You et al. 2020, comparator the authors' own
    "snn_meets_ann_32": EnergyTable(
        number_format="int32",
        multiply_picojoules=3.1,
        add_picojoules=0.1,
        shift_picojoules=0.13,
        compare_picojoules=0.08,
    ),
    # the same table, 8 bits
    "snn_meets_ann_8": EnergyTable(
        number_format="int8",
        multiply_picojoules=0.2,
        add_picojoules=0.03,
        shift_picojoules=0.024,
        compare_picojoules=0.03,
    ),
}


def energy_table(name: str) -> EnergyTable:
    """The table of that name.

    Raises:
        BadSetting: there is none; the message lists those there are.

    """
    if name not in TABLES:
        raise BadSetting(f"no energy table named {name!r}: choose one of {', '.join(sorted(TABLES))}")
    return TABLES[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyBreakdown:
    """Energy of one sample by kind of operation; None for what the table does not price."""

    accumulate_joules: float
    inject_joules: float  # constant currents, added to the membrane at every step
    mac_joules: float
    graded_joules: float  # of what is computed with numbers: norms, softmax, quotients
    leak_joules: float  # of leaks that are multiplications
    shift_joules: float | None
    compare_joules: float | None
    reset_joules: float | None

    @property
    def total_joules(self) -> float:
        """The sum of what is priced."""
        priced = (self.shift_joules, self.compare_joules, self.reset_joules)
        always = self.accumulate_joules + self.inject_joules + self.mac_joules + self.graded_joules + self.leak_joules
        return always + sum(part or 0.0 for part in priced)


def energy_snn(
    table: EnergyTable,
    *,
    synops_per_sample: float,
    macs_per_sample: float,
    operations: NeuronOperations,
    scale_shifts: int = 0,
    work: Work = NO_WORK,
) -> EnergyBreakdown:
    """Energy of the spiking network; a reset is a subtraction, priced where the table prices compares.

    `scale_shifts` are products of graded values with powers of two, and `work` what is not linear, as `FanOut` counts
    them.
    """
    shifts = operations.shifts + operations.leak_shifts + scale_shifts
    shift, compare = table.shift_picojoules, table.compare_picojoules
    resets = None if compare is None else operations.resets * table.accumulate_joules
    return EnergyBreakdown(
        accumulate_joules=synops_per_sample * table.accumulate_joules,
        inject_joules=operations.injections * table.accumulate_joules,
        mac_joules=macs_per_sample * table.mac_joules,
        graded_joules=table.graded_joules(work),
        leak_joules=operations.leak_multiplications * table.multiply_joules,
        shift_joules=None if shift is None else shifts * shift * JOULES_PER_PICOJOULE,
        compare_joules=None if compare is None else operations.compares * compare * JOULES_PER_PICOJOULE,
        reset_joules=resets,
    )


def energy_joules_source(table: EnergyTable, macs_per_sample: float, work: Work = NO_WORK) -> float:
    """Energy of the same topology as an ANN: give all its MACs, or those with non-zero activations only."""
    return macs_per_sample * table.mac_joules + table.graded_joules(work)
