"""CPU seconds that a command takes beyond `import torch`, in this tree and in another, side by side.

    git worktree add /tmp/before main
    python benchmarks/cold_start.py --before /tmp/before

A small network is trained on the digits and converted; each verb then runs on 10 images, in a fresh process, several
times, the trees by turns. Medians of user and system time. Writes cold_start.json.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

HERE = Path(__file__).parent
MAIN = "from spikewright.app.cli.main import main; main()"
VERBS = {
    "--help": ["--help"],
    "verify": ["verify", "snn", "--images", "10"],
    "evaluate": ["evaluate", "snn", "--images", "10"],
    "inject": ["inject", "snn", "--images", "10", "--ber", "1e-3", "--maps", "2"],
    "convert": ["convert", "source", "--timesteps", "4", "--out", "again"],
}


def seconds(tree: Path, code: str, *arguments: str, cwd: Path) -> float:
    shutil.rmtree(cwd / "snn" / "campaigns", ignore_errors=True)  # else a campaign would only be read
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="another worktree of this repository")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    trees = {"before": given.before.resolve(), "after": HERE.parent}
    with tempfile.TemporaryDirectory() as folder:
        cwd, after = Path(folder), trees["after"]
        train = "train --model cnn --data digits --levels 15 --epochs 1 --out source"
        seconds(after, MAIN, *train.split(), cwd=cwd)
        seconds(after, MAIN, *["convert", "source", "--timesteps", "4", "--out", "snn"], cwd=cwd)
        plain, taken = [], {name: {tree: [] for tree in trees} for name in VERBS}
        for _ in range(given.rounds):
            plain.append(seconds(after, "import torch", cwd=cwd))
            for name, arguments in VERBS.items():
                for tree, place in trees.items():
                    taken[name][tree].append(seconds(place, MAIN, *arguments, cwd=cwd))
    torch_alone = statistics.median(plain)
    rows = {
        name: {
            tree: {
                "seconds": round(statistics.median(each), 2),
                "over_torch": round(statistics.median(each) - torch_alone, 2),
            }
            for tree, each in trees_taken.items()
        }
        for name, trees_taken in taken.items()
    }
    found = {
        "what": "CPU seconds, user and system; medians", "rounds": given.rounds, "import_torch": round(torch_alone, 2),
        "verbs": rows, "machine": f"{platform.machine()}, {os.cpu_count()} cores", "threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 1), "torch": torch.__version__, "python": platform.python_version(),
    }  # fmt: skip
    (HERE / "cold_start.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
