"""Every verb on the digits, run as a user runs it, and every figure it writes: to compare one version with another.

    python reproduce/every_verb.py --command .venv/bin/spikewright --out before.json
    python reproduce/every_verb.py --compare before.json after.json

Times, versions, paths and fingerprints of files are left out. Runs of the older version are also given to the newer
one with `--reuse FOLDER`: what was written before must load. Exits with 1 where two files of figures differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# What no two runs share: times, places, versions
PASSING = ("second", "path", "version", "machine", "date", "python", "torch", "processor", "command", "out", "folder")
PASSING += ("milliseconds", "ratio", "identity", "fingerprint", "run", "workers", "peak_bytes", "engines", "minutes")

TRAIN = "train --data digits --epochs 2"
SEARCH = """
kind = "convert"
out = "{folder}/found"
[network]
run = "{folder}/levels"
[space]
methods = ["exact", "qcfs"]
timesteps = [1, 2, 4]
bits = [8]
[gates]
accuracy_margin = 2.0
reliability_margin = 5.0
[faults]
ber = [1e-3]
images = 100
maps = 10
cap = 20
"""
VERBS = {
    "demo": "demo --out {f}/demo",
    "train_relu": f"{TRAIN} --model cnn --out {{f}}/relu",
    "train_levels": f"{TRAIN} --model cnn --levels 15 --out {{f}}/levels",
    "train_timesteps": f"{TRAIN} --model top2 --learn-timesteps --target-timesteps 2.5 --out {{f}}/learned",
    "train_paper1": f"{TRAIN} --model top0 --recipe paper1 --timesteps 6 --threshold 1.5 --out {{f}}/direct",
    "train_paper3": f"{TRAIN} --model cnn --recipe paper3 --timesteps 2 --membrane-bits 4 --out {{f}}/binary",
    "train_lif": f"{TRAIN} --model top2 --timesteps 4 --neuron lif --leak 0.9 --encoding rate --out {{f}}/lif",
    "check": "check --model resnet18 --data digits",
    "convert_exact": "convert {f}/levels --method exact --timesteps 4 --out {f}/exact",
    "convert_training_free": "convert {f}/relu --method exact --timesteps 5 --out {f}/free",
    "convert_qcfs": "convert {f}/levels --method qcfs --timesteps 4 --calibrate --out {f}/qcfs",
    "convert_qac": "convert {f}/learned --method qac --set scale=2 --out {f}/qac",
    "convert_srp": "convert {f}/levels --method srp --timesteps 4 --out {f}/srp",
    "convert_norm": "convert {f}/relu --method percentile_norm --timesteps 8 --out {f}/norm",
    "convert_auto": "convert {f}/levels --method auto --max-accuracy-drop 1 --out {f}/auto",
    "convert_bits": "convert {f}/levels --method exact --timesteps 4 --weight-bits 4 --out {f}/bits",
    "verify_exact": "verify {f}/exact",
    "verify_free": "verify {f}/free",
    "verify_qac": "verify {f}/qac",
    **{f"evaluate_{run}": f"evaluate {{f}}/{run}" for run in ("exact", "qcfs", "qac", "srp", "norm", "auto", "bits")},
    **{f"evaluate_{run}": f"evaluate {{f}}/{run}" for run in ("direct", "binary", "lif")},
    "evaluate_noise": "evaluate {f}/exact --noise 0.1 --engine float --energy-table horowitz_fp32",
    "evaluate_int8": "evaluate {f}/exact --engine int8",
    "evaluate_packed": "evaluate {f}/binary --engine packed",
    "compare": "compare {f}/levels --methods exact,qcfs,qac,srp,cos,opi,max_norm --timesteps 1,2,4",
    "inject": "inject {f}/exact --ber 1e-3,1e-2 --maps 20 --images 100 --seed 7",
    "inject_layers": "inject {f}/exact --ber 1e-2 --maps 8 --images 60 --scope layer --per-channel",
    "inject_bits": "inject {f}/direct --ber 1e-2 --maps 8 --images 60 --scope bit --bits 8",
    "inject_source": "inject {f}/levels --source --ber 1e-3 --maps 10 --images 100",
    "inject_against": "inject {f}/exact --ber 1e-3 --maps 20 --images 100 --against-source --margin 1",
    "inject_stuck": "inject {f}/lif --fault stuck_at --ber 1e-2 --set at=1 --maps 8 --images 60",
    "inject_dead": "inject {f}/qcfs --fault dead_neuron --set rate=0.05 --maps 8 --images 60",
    "inject_harden": "inject {f}/exact --ber 1e-2 --maps 10 --images 60 --harden",
    "search": "search --config {f}/search.toml",
    "memory": "memory --model resnet19 --weight-bits 1 --membrane-bits 2 --batch 64",
    "doctor": "doctor",
}


def figures(content: Any) -> Any:
    """What is left of a JSON file without what no two runs share."""
    if isinstance(content, dict):
        return {
            key: figures(value) for key, value in content.items() if not any(word in key.lower() for word in PASSING)
        }
    if isinstance(content, list):
        return [figures(value) for value in content]
    return content


def run(command: Path, folder: Path, reuse: Path | None, only: list[str]) -> dict[str, Any]:
    """Run the verbs in order; with `reuse`, on the runs that another version made."""
    made = reuse or folder
    (folder / "search.toml").write_text(SEARCH.format(folder=made if reuse is None else folder))
    found: dict[str, Any] = {}
    for name, line in VERBS.items():
        if (only and name not in only) or (reuse is not None and line.split()[0] in ("train", "convert", "search")):
            continue
        written = folder / f"{name}.json"
        words = [*line.replace("{f}", str(made)).split(), "--json", str(written)]
        done = subprocess.run(
            [str(command), *words], capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"}, check=False
        )
        print(f"{name}: exit {done.returncode}", flush=True)
        content = json.loads(written.read_text()) if written.is_file() else done.stderr.strip().splitlines()[-1:]
        found[name] = {"exit": done.returncode, "figures": figures(content)}
    return found


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """Each place at which two files of figures differ, and both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = dict.fromkeys([*before, *after])
        return [line for key in keys for line in differences(before.get(key), after.get(key), f"{where}/{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, f"{where}/{index}")]
    return [] if before == after else [f"{where}: {str(before)[:160]} -> {str(after)[:160]}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", type=Path, default=Path(sys.executable).with_name("spikewright"))
    parser.add_argument("--out", type=Path, help="write the figures here")
    parser.add_argument("--keep", type=Path, help="keep the runs in this folder")
    parser.add_argument("--reuse", type=Path, help="evaluate, verify and inject the runs that are here")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--compare", nargs=2, type=Path)
    settings = parser.parse_args()
    if settings.compare:
        before, after = (json.loads(path.read_text()) for path in settings.compare)
        lines = differences(before, after)
        print("\n".join(lines) or "no figure differs")
        return int(bool(lines))
    with tempfile.TemporaryDirectory() as temporary:
        folder = settings.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = run(settings.command, folder, settings.reuse, settings.only)
    text = json.dumps(found, indent=1) + "\n"
    if settings.out:
        settings.out.write_text(text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
