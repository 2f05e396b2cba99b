"""Ways to damage a file: at any path of its JSON, in its arrays, or in its bytes; each says what it did."""

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import load_file, save_file

DEEP, DIGITS = "@deep", "@4301"  # what no JSON writer writes; put into the text afterwards
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 7, 1000, -(2**31), 2**31, 2**53, 2**62, 2**63 - 1, 2**63, -(2**63), 10**30,
    0.0, 0.5, -0.5, 1.5, 1e-300, 1e30, 1e308, -1e308, float("nan"), float("inf"), float("-inf"),
    "", "x", "input", "../x", "/", "\x00", "\ud800", "ü", "x" * 300, "a\nb", "%s{0}", "nan", "1e999", "-1",
    [], {}, [None], [[]], {"kind": "x"}, [1], [1, 1], [-1, 2], [2**40], [0], ["input"], DEEP, DIGITS,
)  # fmt: skip
TYPES = (
    torch.float16, torch.bfloat16, torch.float64, torch.float32, torch.float8_e4m3fn, torch.float8_e5m2,
    torch.complex64, torch.int64, torch.int32, torch.int8, torch.uint8, torch.bool,
)  # fmt: skip


def mutate_json(path: Path, draw: Random) -> str:
    """Change the JSON of a file at one path, drawn evenly over depths."""
    content = json.loads(path.read_text())
    content, words = mutated(content, draw)
    text = json.dumps(content)
    text = text.replace(json.dumps(DEEP), "[" * 5000 + "]" * 5000).replace(json.dumps(DIGITS), "9" * 4301)
    path.write_text(text)
    return f"{path} {words}"


def mutated(content: Any, draw: Random) -> tuple[Any, str]:
    """The same data with one change, and what it is."""
    holder, key, where = {"": content}, "", []
    while True:
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or (where and draw.random() < 0.12):
            break
        key = draw.choice(sorted(inner) if isinstance(inner, dict) else range(len(inner)))
        holder = inner
        where.append(str(key))
    place = ".".join(where) or "(top)"
    if isinstance(holder, dict) and len(holder) > 1 and where:
        deed = draw.choice(("value", "value", "value", "value", "missing", "extra", "swapped"))
    elif isinstance(holder, list):
        deed = draw.choice(("value", "value", "value", "missing", "twice", "many", "swapped"))
    else:
        deed = "value"
    words = f"{place} {_done(deed, holder, key, draw)}"
    return (content, words) if where else (holder[""], words)


def _done(deed: str, holder: Any, key: Any, draw: Random) -> str:
    if deed == "missing":
        del holder[key]
    elif deed == "extra":
        holder["unheard_of"] = draw.choice(VALUES)
    elif deed == "twice":
        holder.insert(key, holder[key])
    elif deed == "many":
        holder[key:key] = [holder[key]] * draw.choice((30, 2000))
    elif deed == "swapped":
        other = draw.choice(sorted(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[key], holder[other] = holder[other], holder[key]
        return f"swapped with {other}"
    else:
        stored = holder[key]
        near = [stored + 1, stored - 1, stored * 2, -stored, stored * 1e6] if isinstance(stored, int | float) else []
        holder[key] = draw.choice([*near, *VALUES] if draw.random() < 0.7 or not near else near)
        return f"= {holder[key]!r}"[:100]
    return deed


def mutate_arrays(path: Path, draw: Random) -> str:
    """Change an array of a safetensors file."""
    arrays = load_file(path)
    name = draw.choice(sorted(arrays))
    array = arrays[name]
    deed = draw.choice(("type", "type", "value", "shape", "empty", "missing", "extra", "all", "axis", "cut"))
    if deed == "type":
        kind = draw.choice(TYPES)
        arrays[name], deed = array.to(kind), f"as {kind}"
    elif deed == "value" and array.numel() and array.is_floating_point():
        value = draw.choice((float("nan"), float("inf"), -1.0, 0.0, 1e30, 1e-40, -1e300))
        arrays[name] = array.clone()
        deed = f"holds {value}"
        place = draw.randrange(array.numel())
        arrays[name].view(-1)[place] = torch.tensor(value, dtype=torch.float64).to(array.dtype)
    elif deed == "shape":
        arrays[name] = array.reshape(-1).clone()
    elif deed == "empty":
        arrays[name] = array.new_zeros(0)
    elif deed == "missing":
        del arrays[name]
    elif deed == "extra":
        arrays["unheard.of"] = torch.zeros(3, dtype=draw.choice(TYPES))
    elif deed == "axis":
        arrays[name] = array[None].clone()
    elif deed == "cut":
        arrays[name] = array.reshape(-1)[:-1].clone()
    else:
        kind = draw.choice(TYPES)
        arrays, deed = {key: value.to(kind) for key, value in arrays.items()}, f"all as {kind}"
    save_file(arrays, path)
    return f"{path} {name} {deed}"


def mutate_bytes(path: Path, draw: Random) -> str:
    """Change a file as a disk or a bad copy would."""
    content = path.read_bytes()
    deed = draw.choice(("truncated", "flipped", "zeros", "random", "none", "folder", "doubled", "header", "link"))
    at = draw.randrange(max(1, len(content)))
    if deed == "folder":
        path.unlink()
        path.mkdir()
    elif deed == "link":
        path.unlink()
        path.symlink_to(path.name)
    else:
        path.write_bytes(
            {
                "truncated": content[:at],
                "flipped": content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
                if content
                else b"",
                "zeros": bytes(len(content)),
                "random": draw.randbytes(len(content)),
                "none": b"",
                "doubled": content + content,
                "header": draw.randbytes(16) + content[16:],
            }[deed]
        )
    return f"{path} {deed} at {at}"


def mutate_whole(path: Path, draw: Random) -> str:
    """Change an integer of a binary file, a digit of its text, or put bytes in: sizes and offsets then lie."""
    content = bytearray(path.read_bytes())
    deed, at = draw.choice(("integer", "integer", "digit", "inserted")), draw.randrange(len(content))
    digits = [place for place, byte in enumerate(content) if byte in b"0123456789"]
    if deed == "digit" and digits:
        at = draw.choice(digits)
        content[at : at + 1] = draw.choice((b"-1", b"99999999", b"x", b"9" * 21, b"", b"1e9"))
    elif deed == "inserted":
        content[at:at] = draw.randbytes(draw.choice((1, 4, 8)))
    else:
        number = draw.choice((-1, 0, 1, 2**31 - 1, -(2**31), 2**30, 2**24, 65536, 10**9))
        content[at : at + 4] = number.to_bytes(4, draw.choice(("little", "big")), signed=True)
    path.write_bytes(content)
    return f"{path} {deed} at {at}"


def remove(path: Path) -> None:
    """A file, a link or a folder, whatever it has become."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
