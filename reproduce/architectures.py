"""Public architectures, unmodified: which convert, what is left of them, and whether every code is equal.

    pip install --no-deps --target DIR torchvision timm transformers tokenizers regex segmentation-models-pytorch
    python reproduce/architectures.py --packages DIR

The list is `public_networks.py`. Each network has random weights, and batch norms that have seen a few random batches;
it is captured, converted by `exact` at T = 1, 4 and 8, and verified on four random inputs. A network is tried in a
process of its own, under a limit of minutes; its row is written when it is done, and the same command goes on where it
was stopped. Rows of networks that were refused, or ran out of time, are tried again with `--again`, and rows made by
another state of the library with `--anew`. Each row has its date and the commit that last changed the library; a row
without them is older than they are.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from conditions import conditions
from public_networks import NETWORKS, SEED, PublicNetwork, images, observed, reach

import spikewright as sw
from spikewright.ann.source import Source
from spikewright.data.files import write_json
from spikewright.data.json_file import read_json
from spikewright.errors import SpikewrightError
from spikewright.measure.cost.inventory import inventory

OUT = Path(__file__).with_suffix(".json")
TIMESTEPS = (1, 4, 8)
IMAGES = 4
LINE = 300  # characters of a refusal that is no list


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True, help="folder that the packages were installed into")
    parser.add_argument("--minutes", type=float, default=10, help="limit of one architecture")
    parser.add_argument("--again", action="store_true", help="try again what did not convert, or took too long")
    parser.add_argument("--anew", action="store_true", help="make anew what another commit of the library made")
    parser.add_argument("--only", help="names, with commas between them")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(tried(NETWORKS[asked.one], asked.packages)))
        return
    began = time.monotonic()
    rows: dict[str, Any] = read_json(asked.out)["rows"] if asked.out.exists() else {}
    names = [network.name for network in NETWORKS] if asked.only is None else asked.only.split(",")
    measured = {"date": time.strftime("%Y-%m-%d"), "commit": commit()}
    for index, network in enumerate(NETWORKS):
        if network.name not in names or not to_do(rows.get(network.name), measured, asked):
            continue
        rows[network.name] = row = in_a_process_of_its_own(index, asked) | measured
        print(network.name, row.get("verdict") or row.get("refused") or row.get("stopped"), flush=True)
        write_json(asked.out, table(rows, began))


def to_do(row: dict[str, Any] | None, measured: dict[str, str], asked: argparse.Namespace) -> bool:
    """Whether a network is to be tried: it has no row, or one that the command line asks for again."""
    if row is None:
        return True
    return (asked.again and not row["captured"]) or (asked.anew and row.get("commit") != measured["commit"])


def commit() -> str:
    """The commit that last changed the library, with a "+" if files have changed since."""
    git = ["git", "-C", str(Path(__file__).parent.parent)]
    found = subprocess.run([*git, "log", "-1", "--format=%h", "--", "src"], capture_output=True, text=True, check=True)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "src"], check=False).returncode
    return found.stdout.strip() + "+" * bool(changed)


def table(rows: dict[str, Any], began: float) -> dict[str, Any]:
    """The rows in the order of the list, with what they add up to."""
    ordered = {network.name: rows[network.name] for network in NETWORKS if network.name in rows}
    converted = [row for row in ordered.values() if row["captured"]]
    return {
        "shows": "public architectures, unmodified, random weights: what of them is stages, what stays graded, and "
        "how many codes differ from the quantised source, at T = 1, 4 and 8 on four random inputs",
        "conditions": conditions(began, seeds=[SEED]),
        "architectures": len(ordered),
        "converted": len(converted),
        "with_mismatches": [name for name, row in ordered.items() if row.get("mismatched_codes")],
        "rows": ordered,
    }


def in_a_process_of_its_own(index: int, asked: argparse.Namespace) -> dict[str, Any]:
    """One row; a process that fails or takes too long gives a row that says so."""
    network = NETWORKS[index]
    command = [sys.executable, __file__, "--packages", str(asked.packages), "--one", str(index)]
    head = {"package": network.package, "input_shape": list(network.shape)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 * asked.minutes, check=False)
    except subprocess.TimeoutExpired:
        return {**head, "captured": False, "stopped": f"not done in {asked.minutes:g} minutes"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {**head, "captured": False, "stopped": f"exit {done.returncode}: {last[:LINE]}"}
    return {**head, **json.loads(done.stdout.splitlines()[-1])}


def tried(network: PublicNetwork, packages: Path) -> dict[str, Any]:
    """Capture, convert and verify one network."""
    torch.set_num_threads(1)
    reach(packages)
    torch.manual_seed(SEED)
    model = observed(network.make(), network.shape)
    row: dict[str, Any] = {"parameters": sum(each.numel() for each in model.parameters())}
    began = time.monotonic()
    try:
        source = sw.capture(model, images(2, network.shape))
        row["seconds_capture"] = round(time.monotonic() - began, 1)
        row |= {f"T={steps}": verified(source, network, steps) for steps in TIMESTEPS}
    except SpikewrightError as refusal:
        return {"captured": False, **row, "refused": by_kind(refusal)}
    row |= inventory(sw.convert(source, images(8, network.shape), method="exact", timesteps=1).blueprint).to_json()
    del row["macs_by_node"]
    checks = [row[f"T={steps}"] for steps in TIMESTEPS]
    return {
        "captured": True,
        **row,
        "mismatched_codes": sum(check["mismatched_codes"] for check in checks),
        "proven": all(check["proven"] for check in checks),
        "within_bound": sum(check["within_bound"] for check in checks),
        "seconds": round(time.monotonic() - began, 1),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "verdict": "; ".join(check.pop("verdict") for check in checks),
    }


def verified(source: Source, network: PublicNetwork, steps: int) -> dict[str, Any]:
    """One T: the certificate without its stages."""
    began = time.monotonic()
    spiking = sw.convert(source, images(8, network.shape), method="exact", timesteps=steps)
    found = sw.verify(spiking, source, images(IMAGES, network.shape))
    fields = ("codes_total", "mismatched_codes", "proven", "within_bound", "output_exceeds_bound")
    return {
        **{name: getattr(found, name) for name in fields},
        **{name: finite(getattr(found, name)) for name in ("smallest_distance", "largest_bound", "output_error")},
        "seconds": round(time.monotonic() - began, 1),
        "verdict": found.line().partition(";")[0],
    }


def finite(number: float) -> float | None:
    """A number as JSON has it; None: no bound is known."""
    return number if math.isfinite(number) else None


def by_kind(refusal: SpikewrightError) -> dict[str, int]:
    """How often each obstacle is there; a refusal without a list is one."""
    counts: dict[str, int] = {}
    for obstacle in getattr(refusal, "obstacles", ()):
        counts[obstacle.what] = counts.get(obstacle.what, 0) + 1
    return counts or {str(refusal)[:LINE]: 1}


if __name__ == "__main__":
    main()
