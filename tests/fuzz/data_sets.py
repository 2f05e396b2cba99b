"""Malformed data: images by class, tables of them, and recordings of events, as disks, copies and other programs do."""

import os
import shutil
import struct
import zlib
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from fuzz import mutations
from fuzz.bases import EVALUATE

IMAGES = ("evaluate", "top0_p4", *EVALUATE, "--data")
EVENTS = (
    "train", "--model", "top0", "--data", "events", "--timesteps", "2", "--epochs", "1", "--size", "8x8", "--out",
    "made",
)  # fmt: skip
SIZES = ((2**31 - 1, 2**31 - 1), (100_000, 100_000), (20_000, 20_000), (13_000, 13_000), (1, 2**31 - 1), (0, 0))
STRANGERS = (
    "x.csv", "x.json", "metadata.csv", "metadata.jsonl", "README.md", "x.txt", "x.py", "x.arrow", "state.json",
    "dataset_dict.json", "dataset_info.json", "x.tar", "x.zip", "x.wav", ".x.png", "x.npy",
)  # fmt: skip
CONTENTS = (
    b"",
    b"{}",
    b"[]",
    b"a,b\n1,2\n",
    b"---\nconfigs: 3\n---\n",
    b"---\ndataset_info: [\n---\n",
    b"\xff\xfe\x00",
)
NAMES = ("x", "u\udc80.png", "a b%s{0}.png", "a\nb.png", "[x].png", "*.png")


def images(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = draw.choice(sorted(Path("images").rglob("*.png")))
    deed = draw.choice(("bytes", "bytes", "mode", "size", "class", "loop", "pipe", "flat", "gone", "text"))
    if deed == "bytes":
        return mutations.mutate_bytes(path, draw), (*IMAGES, "images")
    if deed == "mode":
        mode = draw.choice(("RGBA", "P", "1", "CMYK", "F", "I", "LA", "YCbCr", "I;16"))
        deed = f"mode {mode}"
        suffix = ".tiff" if mode in ("CMYK", "F", "I", "YCbCr") else ".png"
        Image.new(mode, (8, 8)).save(path.with_suffix(suffix))
    elif deed == "size":
        width, height = draw.choice(SIZES)
        path.write_bytes(_picture_that_claims(width, height))
        deed = f"claims {width}x{height}"
    elif deed == "class":
        shutil.rmtree(path.parent)
    elif deed == "loop":
        (path.parent / "loop").symlink_to(Path.cwd() / "images")
    elif deed == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif deed == "flat":
        shutil.rmtree("images")
        Path("images").write_text("no folder")
    elif deed == "gone":
        shutil.rmtree(Path("images", draw.choice(("train", "test"))))
    else:
        path.with_suffix(".txt").write_text("?")
    return f"{path} {deed}", (*IMAGES, "images")


def tables(draw: Random) -> tuple[str, tuple[str, ...]]:
    """What the library for data sets wrote: parquet files, or a folder of arrow files."""
    kind = draw.choice(("parquet", "saved"))
    files = sorted(path for path in Path(kind).rglob("*") if path.is_file())
    path = draw.choice(files)
    deed = draw.choice(("bytes", "bytes", "json", "stranger", "loop", "itself", "file", "gone", "name", "empty"))
    if deed == "bytes":
        deed = mutations.mutate_bytes(path, draw)
    elif deed == "json":
        stated = [path for path in files if path.suffix == ".json"]
        deed = mutations.mutate_json(draw.choice(stated), draw) if stated else mutations.mutate_bytes(path, draw)
    elif deed == "stranger":
        deed = draw.choice(STRANGERS)
        (path.parent / deed).write_bytes(draw.choice(CONTENTS))
    elif deed == "loop":
        (path.parent / "loop").symlink_to(path.parent.resolve())
    elif deed == "name":
        _ = path.rename(path.with_name(draw.choice(NAMES)))
    elif deed == "gone":
        shutil.rmtree(path.parent)
    else:
        shutil.rmtree(kind)
        if deed == "itself":
            Path(kind).symlink_to(kind)
        elif deed == "file":
            Path(kind).write_bytes(b"x")
        else:
            Path(kind).mkdir()
    return f"{path} {deed}", (*IMAGES, kind)


def _picture_that_claims(width: int, height: int) -> bytes:
    """A PNG with the check sums of a sound one."""

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = zlib.compress(bytes(min(width + 1, 100_000) * 10))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", size) + part(b"IDAT", content) + part(b"IEND", b"")


def recordings(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = draw.choice(sorted(Path("events").rglob("*.*")))
    deed = draw.choice(("bytes", "bytes", "whole", "whole", "other", "table", "objects", "fields", "claims", "class"))
    if path.suffix != ".npy" and deed not in ("bytes", "class"):
        deed = "whole"
    if deed == "bytes":
        return mutations.mutate_bytes(path, draw), EVENTS
    if deed == "whole":
        return mutations.mutate_whole(path, draw), EVENTS
    if deed == "other":
        ending = draw.choice((".bin", ".aedat", ".aedat4"))
        start = draw.choice((b"", b"#!AER-DAT2.0\r\n", b"#!AER-DAT3.1\r\n#!END-HEADER\r\n", b"#!AER-DAT4.0\r\n"))
        path.unlink()
        path.with_suffix(ending).write_bytes(start + draw.randbytes(draw.choice((0, 5, 8, 28, 36, 400))))
        deed = f"{ending}, {start!r}"
    elif deed == "table":
        value = draw.choice((-1, 2**15, 2**31, 2**62, float("nan"), 1e300, 0.5))
        array = np.load(path).astype(np.float64 if isinstance(value, float) else np.int64)
        array[draw.randrange(len(array)), draw.randrange(4)] = value
        np.save(path, array)
        deed = f"holds {value}"
    elif deed == "objects":
        np.save(path, np.array([None, {}, "x"], dtype=object), allow_pickle=True)
    elif deed == "fields":
        kind = draw.choice(("U3", "f8", "O", "c8", "M8[us]", "(2,)i4", "?"))
        np.save(
            path, np.zeros(4, dtype=[(name, kind) for name in draw.choice(("xypt", "xyp", "txyp"))]), allow_pickle=True
        )
        deed = f"fields {kind}"
    elif deed == "claims":
        with path.open("r+b") as stream:
            text = stream.read()
            stream.seek(0)
            stream.write(text.replace(b"(20, 4)", draw.choice((b"(9**9,)", b"(20,-4)", b"(99, 4)", b"([[[[[["))))
    else:
        shutil.rmtree(path.parent)
    return f"{path} {deed}", EVENTS
