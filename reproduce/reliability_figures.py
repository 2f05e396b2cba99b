"""Paper 1's Fig. 2 to 5 with intervals, drawn from a result that is there already: nothing is run here.

    python reproduce/reliability_figures.py reproduce/reliability.json reproduce/topologies.json
writes reliability_fig2.svg … reliability_fig5.svg beside the first; the same results give the same bytes. Needs the
extra `dev`. The first is what `reliability.py` writes, the second what `topologies.py` writes: energies are from there.
A cell that is missing leaves a gap. Bars are means over fault maps and whiskers their 95 % intervals; the short line
over a bar of Fig. 3 is the accuracy without faults, which the paper does not draw.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion". Its figures have no intervals, and
its text does not say how many fault maps they are of.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikewright.app.pages.palette import LIGHT
from spikewright.app.pages.wording import bit_error_rate

Cell = Mapping[str, Any]
CONFIGS = ("ANN", "C1", "C2", "C3", "C4")
COLOURS = {**dict(zip(CONFIGS, ("#8a929b", *LIGHT[:4]), strict=True)), "SNN": LIGHT[0]}
NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
BER = 1e-2  # of Fig. 4 and 5
LAYER_WISE = ("top1", "top3")  # a 3-layer and a 5-layer network; the paper does not name the first
LAYER_CONFIG = "C2"
CHOSEN = {"top0": "C2", "top4": "C3"}  # of Fig. 5
PRINTED_RATIOS = {  # energy of the ANN over that of the SNN
    ("mnist", "top0"): 23.36,
    ("fashion_mnist", "top0"): 11.05,
    ("mnist", "top4"): 7.82,
    ("fashion_mnist", "top4"): 4.2,
}
Bar = tuple[float, float, float]  # mean, low, high


def golden(cell: Cell) -> Bar:
    """Accuracy without faults; it has no interval over maps."""
    return (cell["accuracy_golden"],) * 3


def figure_at(kind: str, ber: float) -> Callable[[Cell], Bar | None]:
    """`accuracy` or `reliability` of a cell at a bit error rate, with its interval."""

    def of(cell: Cell) -> Bar | None:
        point = next((one for one in cell.get("curve", ()) if one["ber"] == ber), None)
        return None if point is None else interval(point, kind)

    return of


def interval(point: Mapping[str, Any], kind: str) -> Bar:
    """Mean, low and high; an end that is not known is the mean."""
    mean = point[f"{kind}_mean"]
    low, high = point.get(f"{kind}_low"), point.get(f"{kind}_high")
    return mean, mean if low is None else low, mean if high is None else high


def grouped(
    axes: Axes, groups: Sequence[str], series: Mapping[str, Sequence[Bar | None]], *, scale: float = 100.0
) -> dict[str, list[float | None]]:
    """Bars in groups with whiskers; returns where each bar stands, None for a gap."""
    width = 0.8 / len(series)
    places: dict[str, list[float | None]] = {}
    for index, (name, bars) in enumerate(series.items()):
        shift = (index - (len(series) - 1) / 2) * width
        places[name] = [None if bar is None else group + shift for group, bar in enumerate(bars)]
        there = [(group + shift, bar) for group, bar in enumerate(bars) if bar is not None]
        heights = [scale * mean for _, (mean, _, _) in there]
        axes.bar([place for place, _ in there], heights, width=0.92 * width, color=COLOURS[name], label=name)
        known = [(place, bar) for place, bar in there if bar[1] < bar[2]]
        axes.errorbar(
            [place for place, _ in known],
            [scale * mean for _, (mean, _, _) in known],
            yerr=[
                [scale * (mean - low) for _, (mean, low, _) in known],
                [scale * (high - mean) for _, (mean, _, high) in known],
            ],
            fmt="none", ecolor="#1c1f23", elinewidth=0.8, capsize=1.5, capthick=0.8,
        )  # fmt: skip
    axes.set_xticks(range(len(groups)), list(groups))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return places


def of_series(cells: Sequence[Cell], data: str, of: Callable[[Cell], Bar | None]) -> dict[str, list[Bar | None]]:
    """A bar a config and topology of one data set."""
    by_name = {(cell["topology"], cell["config"]): cell for cell in cells if cell["data"] == data}
    return {
        config: [of(by_name[topology, config]) if (topology, config) in by_name else None for topology in names(cells)]
        for config in CONFIGS
        if any(cell["config"] == config for cell in cells)
    }


def names(cells: Sequence[Cell]) -> list[str]:
    """Topologies, in the order of the alphabet."""
    return sorted({cell["topology"] for cell in cells})


def data_of(cells: Sequence[Cell]) -> list[str]:
    """Data sets, in the order of the file."""
    return list(dict.fromkeys(cell["data"] for cell in cells))


def accuracies(cells: Sequence[Cell]) -> Figure:
    """Fig. 2: accuracy without faults, by topology and config."""
    figure, panels = _panels(1, len(data_of(cells)), height=3.2)
    for axes, data in zip(panels[0], data_of(cells), strict=True):
        grouped(axes, [name.upper() for name in names(cells)], of_series(cells, data, golden))
        axes.set_title(NAMES.get(data, data), loc="left", fontsize=10)
        lowest = min(cell["accuracy_golden"] for cell in cells if cell["data"] == data)
        axes.set_ylim(max(0.0, 100 * lowest - 5), 100)
    panels[0][0].set_ylabel("accuracy without faults, %\n(the axis does not start at 0)")
    _legend(figure, panels[0][0])
    return figure


def model_wise(cells: Sequence[Cell]) -> Figure:
    """Fig. 3: accuracy with faults in the whole network, a row of panels a bit error rate."""
    rates = sorted({point["ber"] for cell in cells for point in cell.get("curve", ())})
    sets = data_of(cells)
    figure, panels = _panels(len(rates), len(sets), height=1.9 * len(rates) + 0.6)
    for line, ber in zip(panels, rates, strict=True):
        for axes, data in zip(line, sets, strict=True):
            series = of_series(cells, data, figure_at("accuracy", ber))
            places = grouped(axes, [name.upper() for name in names(cells)], series)
            without = of_series(cells, data, golden)
            for config, those in places.items():
                for place, bar in zip(those, without[config], strict=True):
                    if place is not None and bar is not None:
                        half = 0.46 * 0.8 / len(series)
                        axes.hlines(100 * bar[0], place - half, place + half, color="#1c1f23", linewidth=1)
            axes.set_ylim(0, 103)
            axes.set_title(f"{NAMES.get(data, data)}, BER {bit_error_rate(ber)}", loc="left", fontsize=10)
        line[0].set_ylabel("accuracy, %")
    _legend(figure, panels[0][0])
    return figure


def layer_wise(cells: Sequence[Cell]) -> Figure:
    """Fig. 4: reliability with faults in one layer, ANN beside SNN."""
    found = [cell for cell in cells if cell["topology"] in LAYER_WISE and cell.get("layers")]
    shown, sets = names(found), data_of(found)
    figure, panels = _panels(len(shown), len(sets), height=2.2 * max(len(shown), 1) + 0.6)
    for line, topology in zip(panels, shown, strict=True):
        for axes, data in zip(line, sets, strict=True):
            own = {
                cell["config"]: cell["layers"]["rows"]
                for cell in found
                if (cell["topology"], cell["data"]) == (topology, data)
            }
            series = {
                config: [interval(row, "reliability") for row in own[config]]
                for config in ("ANN", LAYER_CONFIG)
                if config in own
            }
            count = max((len(bars) for bars in series.values()), default=0)
            if series:
                grouped(axes, [f"L{index + 1}" for index in range(count)], series)
            axes.set_ylim(0, 103)
            axes.set_title(
                f"{topology.upper()}, {NAMES.get(data, data)}, BER {bit_error_rate(BER)}", loc="left", fontsize=10
            )
        line[0].set_ylabel("reliability, %")
    _legend(figure, panels[0][0])
    return figure


def trade_offs(cells: Sequence[Cell]) -> Figure:
    """Fig. 5: accuracy, reliability and energy of the ANN and of the SNN that the paper chooses."""
    by_name = {(cell["topology"], cell["data"], cell["config"]): cell for cell in cells}
    pairs = [
        (by_name[topology, data, "ANN"], by_name[topology, data, config])
        for topology, config in CHOSEN.items()
        for data in data_of(cells)
        if {(topology, data, "ANN"), (topology, data, config)} <= by_name.keys()
    ]
    figure, panels = _panels(1, 3, height=3.6, width=3.7)
    groups = [f"{snn['topology'].upper()}\n{snn['config']}\n{NAMES.get(snn['data'], snn['data'])}" for _, snn in pairs]
    sides = (
        ("accuracy without faults, %", golden, 100.0),
        (f"reliability at BER {bit_error_rate(BER)}, %", figure_at("reliability", BER), 100.0),
        ("energy of one sample, nJ (logarithmic)", energy, 1e9),
    )
    for axes, (label, of, scale) in zip(panels[0], sides, strict=True):
        grouped(axes, groups, {"ANN": [of(ann) for ann, _ in pairs], "SNN": [of(snn) for _, snn in pairs]}, scale=scale)
        axes.tick_params(axis="x", labelsize=8)
        axes.set_title(label, loc="left", fontsize=10)
    _ratios(panels[0][2], pairs)
    _legend(figure, panels[0][0])
    return figure


def energy(cell: Cell) -> Bar | None:
    """Joules of one sample."""
    joules = cell.get("energy_joules")
    return None if joules is None else (joules,) * 3


def _ratios(axes: Axes, pairs: Sequence[tuple[Cell, Cell]]) -> None:
    """How often the ANN's energy holds the SNN's, above either pair, and what the paper prints."""
    axes.set_yscale("log")
    for place, (ann, snn) in enumerate(pairs):
        if ann.get("energy_joules") and snn.get("energy_joules"):
            printed = PRINTED_RATIOS.get((ann["data"], ann["topology"]))
            reported = f"{ann['energy_joules'] / snn['energy_joules']:.2f}×" + (f"\n({printed:g})" if printed else "")
            axes.annotate(
                reported, (place, 1e9 * ann["energy_joules"]), xytext=(0, 3), textcoords="offset points", ha="center",
                va="bottom", fontsize=7,
            )  # fmt: skip
    axes.margins(y=0.25)
    axes.set_xlabel("ANN : SNN; in brackets: what the paper prints", fontsize=8)


FIGURES = {"fig2": accuracies, "fig3": model_wise, "fig4": layer_wise, "fig5": trade_offs}


def _panels(rows: int, columns: int, *, height: float, width: float = 4.8) -> tuple[Figure, Any]:
    return plt.subplots(
        max(rows, 1), max(columns, 1), figsize=(width * max(columns, 1), height), squeeze=False, layout="constrained"
    )


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)


def gathered(result: Mapping[str, Any], topologies: Mapping[str, Any]) -> list[Cell]:
    """One cell a network, from one a network, rate and scope: `curve` by rate, `layers` where struck one by one."""
    energies: dict[tuple[str, str, str], float] = {}
    for one in topologies["cells"]:
        energies[one["data"], one["topology"], one["config"]] = one["energy_joules_snn"]
        energies[one["data"], one["topology"], "ANN"] = one["energy_joules_source"]
    cells: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in result["cells"]:
        config = "ANN" if one["config"] == "ann" else one["config"]
        key = (one["data"], one["topology"], config)
        empty = {"data": one["data"], "topology": one["topology"], "config": config, "curve": []}
        cell = cells.setdefault(key, {**empty, "energy_joules": energies.get(key)})
        cell["accuracy_golden"] = one["accuracy_golden"]
        if one.get("scope", "model") == "layer":
            cell["layers"] = one
        else:
            cell["curve"].append(one)
    return list(cells.values())


def draw(path: Path, topologies: Path) -> list[Path]:
    """Write the figures; returns where they are."""
    cells = gathered(json.loads(path.read_text()), json.loads(topologies.read_text()))
    mpl.rcParams["svg.hashsalt"] = "spikewright"  # the same figures give the same file
    made = []
    for name, of in FIGURES.items():
        figure = of(cells)
        to = path.with_name(f"{path.stem}_{name}.svg")
        figure.savefig(to, metadata={"Date": None})
        plt.close(figure)
        made.append(to)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument("topologies", type=Path)
    asked = parser.parse_args()
    for path in draw(asked.result, asked.topologies):
        print(path)


if __name__ == "__main__":
    main()
