"""Malformed states that commands go on from: records, comparisons, workspaces of searches, checkpoints; and weights."""

from pathlib import Path
from random import Random
from typing import Any

import torch

from fuzz import mutations
from fuzz.bases import COMPARE, INJECT, LONGER, SEARCHED

CONVERT = (
    "convert", "--model", "top0", "--data", "digits", "--method", "percentile_norm", "--timesteps", "2",
    "--calibration", "8", "--out", "made", "--weights",
)  # fmt: skip


def record(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = Path("record.jsonl")
    if draw.random() < 0.3:
        return mutations.mutate_bytes(path, draw), INJECT
    return _one_line(path, draw), INJECT


def _one_line(path: Path, draw: Random) -> str:
    """Of a file of JSON lines."""
    lines = path.read_text().splitlines()
    at = draw.randrange(len(lines))
    line = Path("line.json")
    line.write_text(lines[at])
    words = mutations.mutate_json(line, draw)
    lines[at] = line.read_text()
    line.unlink()
    path.write_text("\n".join(lines) + "\n")
    return f"{path}, line {at}: {words}"


def comparison(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = Path("comparison/compare.json")
    damage = mutations.mutate_json if draw.random() < 0.8 else mutations.mutate_bytes
    return damage(path, draw), (*COMPARE, "--out", "comparison")


def workspace(draw: Random) -> tuple[str, tuple[str, ...]]:
    """What a sampled search has written."""
    # its page is written and never read: where that cannot be done, what was found stays
    files = sorted(path for path in Path("searched").rglob("*") if path.is_file() and path.suffix != ".html")
    path = Path("searched", "study.journal") if draw.random() < 0.3 else draw.choice(files)
    if path.suffix == ".json" and path.stat().st_size and draw.random() < 0.8:
        return mutations.mutate_json(path, draw), SEARCHED
    if path.suffix == ".journal" and draw.random() < 0.8:
        return _one_line(path, draw), SEARCHED
    return mutations.mutate_bytes(path, draw), SEARCHED


def checkpoint(draw: Random) -> tuple[str, tuple[str, ...]]:
    """Of a training that goes on."""
    path = next(Path("begun", "checkpoints").iterdir())
    if draw.random() < 0.4:
        return mutations.mutate_bytes(path, draw), LONGER
    return _stored(path, torch.load(path, weights_only=True), draw), LONGER


def weights_of_others(draw: Random) -> tuple[str, tuple[str, ...]]:
    """Saved by whatever program."""
    path = Path("weights.pt")
    if draw.random() < 0.4:
        return mutations.mutate_bytes(path, draw), (*CONVERT, str(path))
    content: Any = torch.load(path, weights_only=True)
    deed = draw.choice(("changed", "changed", "changed", "within", "object", "list", "a tensor", "text", "numbers"))
    if deed == "changed":
        return _stored(path, content, draw), (*CONVERT, str(path))
    torch.save(
        {
            "within": {"model": content, "epoch": 3},
            "object": {"state_dict": Path("x")},
            "list": [content],
            "a tensor": torch.zeros(3),
            "text": "x",
            "numbers": {1: torch.zeros(3), 2: 3.0},
        }[deed],
        path,
    )
    return f"{path} {deed}", (*CONVERT, str(path))


def _stored(path: Path, content: dict[str, Any], draw: Random) -> str:
    """With one change in what torch saved."""
    holder: Any = content
    key = draw.choice(sorted(holder, key=str))
    while isinstance(holder[key], dict) and holder[key] and draw.random() < 0.7:
        holder = holder[key]
        key = draw.choice(sorted(holder, key=str))
    deed = draw.choice(("missing", "value", "value", "shape", "type", "nan"))
    stored = holder[key]
    if deed == "missing":
        del holder[key]
    elif deed == "shape" and isinstance(stored, torch.Tensor):
        holder[key] = stored[None].expand(2, *stored.shape).clone()
    elif deed == "type" and isinstance(stored, torch.Tensor):
        holder[key] = stored.to(draw.choice(mutations.TYPES))
    elif deed == "nan" and isinstance(stored, torch.Tensor) and stored.is_floating_point():
        holder[key] = torch.full_like(stored, float("nan"))
    else:
        holder[key] = draw.choice([value for value in mutations.VALUES if value not in ("@deep", "@4301")])
        deed = f"= {holder[key]!r}"[:60]
    torch.save(content, path)
    return f"{path} {key} {deed}"
