"""Decode a column of encoded images (PNG, JPEG, …) into one uint8 array, large ones in several threads.

All headers are read first, so that grey or colour and the common size are known, not guessed, before the
array is made. PIL lets go of the interpreter while it decodes, which pays only where that takes a while.
"""

import io
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from spikewright.errors import BadData, BadSetting

Result = TypeVar("Result")
CHUNK = 512  # rows per task
MOST_THREADS = 8
THREADED_PIXELS = 64 * 64  # measured: below, threads wait for each other and take half as long again
GREY_MODES = {"1", "L", "LA", "I;16", "I;16L", "I;16B"}
UNSCALED_MODES = {"I", "F"}  # no agreed value for white
ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 exchange height and width


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Encoded images: an arrow column of {bytes, path}, and the words that name it in messages."""

    column: pa.ChunkedArray
    where: str

    def __len__(self) -> int:
        return len(self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What all images are brought to: 1 channel (grey) or 3 (RGB), and (height, width)."""

    channels: int
    size: tuple[int, int]

    @property
    def threads(self) -> int:
        """Threads that decode such images fastest."""
        many = self.size[0] * self.size[1] >= THREADED_PIXELS
        return min(MOST_THREADS, os.cpu_count() or 1) if many else 1


def common_format(pictures: list[Pictures], *, size: tuple[int, int] | None) -> Format:
    """Read every header; colour anywhere makes all RGB. `size` overrides the images' own.

    Raises:
        BadData: sizes differ and no `size` is given, or an image cannot be read.

    """
    colour = False
    first: tuple[int, int] | None = None
    for part in pictures:
        for row, (grey, own) in enumerate(_each(part, _header, threads=1)):
            colour |= not grey
            first = first or own
            if size is None and own != first:
                raise BadData(
                    f"{part.where}, row {row}: the image is {own[0]}x{own[1]}, the first is "
                    f"{first[0]}x{first[1]}: give a size (height, width) to resize all images to"
                )
    chosen = size or first
    if chosen is None:
        raise BadData(f"{pictures[0].where if pictures else 'data'}: no images: give at least one")
    return Format(channels=3 if colour else 1, size=chosen)


def decode(pictures: Pictures, wanted: Format, file: Path) -> NDArray[np.uint8]:
    """Decode into the .npy `file` and return it, memory-mapped: uint8 [N, channels, height, width].

    Raises:
        BadData: an image is corrupt; the message names its row.
        BadSetting: the disk has no room for so many pixels.

    """
    shape = (len(pictures), wanted.channels, *wanted.size)
    needed, free = prod(shape), shutil.disk_usage(file.parent).free
    if needed > free:
        raise BadSetting(
            f"{pictures.where}: {shape[0]:,} images of {shape[2]}x{shape[3]} take {needed / 1e9:,.1f} GB and the cache "
            f"has room for {free / 1e9:,.1f} GB: give a smaller size, or set SPIKEWRIGHT_CACHE"
        )
    images = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)

    plain = np.asarray(images)  # a view: every access to a memmap itself costs microseconds

    def place(image: Image.Image, row: int) -> None:
        plain[row] = pixels(image, wanted)

    for _ in _each(pictures, place, threads=wanted.threads):
        pass
    images.flush()
    return plain


def pixels(image: Image.Image, wanted: Format) -> NDArray[np.uint8]:
    """Bring one opened image to the wanted format: uint8 [channels, height, width]."""
    image = _upright(image)
    if image.mode.startswith("I;16"):
        # 65535 is white: PIL's own conversion would clip at 255
        image = Image.fromarray(np.round(np.asarray(image, dtype=np.float32) / 257).astype(np.uint8))
    mode = "L" if wanted.channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    height, width = wanted.size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    array = np.asarray(image)
    return array[None] if wanted.channels == 1 else array.transpose(2, 0, 1)


def _header(image: Image.Image, _row: int) -> tuple[bool, tuple[int, int]]:
    if image.mode in UNSCALED_MODES:
        raise ValueError(f"mode {image.mode} has no fixed white, save it with 8 or 16 bits")
    width, height = image.size
    if "exif" in image.info and image.getexif().get(ORIENTATION, 1) >= 5:
        width, height = height, width
    return image.mode in GREY_MODES, (height, width)


def _upright(image: Image.Image) -> Image.Image:
    # most images have no EXIF, and looking costs as much as decoding a small one
    return ImageOps.exif_transpose(image) if "exif" in image.info else image


def _opened(entry: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(entry["bytes"]) if entry["bytes"] is not None else entry["path"])


def _each(pictures: Pictures, work: Callable[[Image.Image, int], Result], *, threads: int) -> Iterator[Result]:
    """Open every image and give it and its row to `work`; results come in order."""

    def rows(start: int) -> list[Result]:
        done: list[Result] = []
        for row, entry in enumerate(pictures.column.slice(start, CHUNK).to_pylist(), start):
            if entry is None:
                raise BadData(f"{pictures.where}, row {row}: there is no image: remove the row")
            try:
                with _opened(entry) as image:
                    done.append(work(image, row))
            except Exception as error:  # PIL's readers answer damage with errors of many kinds
                # PIL names the buffer's address, which tells nobody anything
                words = type(error).__name__ if isinstance(error, UnidentifiedImageError) else str(error)
                path = f" ({entry['path']})" if entry["path"] else ""
                raise BadData(
                    f"{pictures.where}, row {row}{path}: not a readable image: {' '.join(words.split())}: "
                    "replace it or remove the row"
                ) from error
        return done

    pool = ThreadPoolExecutor(max_workers=threads)
    try:
        with warnings.catch_warnings():
            # an image that says it is enormous is refused, not warned of
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            for done in pool.map(rows, range(0, len(pictures), CHUNK)):
                yield from done
    finally:
        # after a corrupt image the rest need not be decoded
        pool.shutdown(cancel_futures=True)
