"""Decoding against the arrays the files were written from."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from spikewright.data import decode as module
from spikewright.data.decode import CHUNK, Format, Pictures, common_format, decode
from spikewright.errors import BadData


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pictures(*contents: bytes | str | None) -> Pictures:
    rows = [
        None if c is None else {"bytes": c if isinstance(c, bytes) else None, "path": c if isinstance(c, str) else None}
        for c in contents
    ]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    return Pictures(column=pa.chunked_array([pa.array(rows, kind)]), where="data 'd', split 's'")


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def read(given: Pictures, tmp_path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    return decode(given, common_format([given], size=size), tmp_path / "images.npy")


@pytest.mark.parametrize("threaded_pixels", [1, 10**6])
def test_many_grey_images_come_back_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threaded_pixels: int
) -> None:
    monkeypatch.setattr(module, "THREADED_PIXELS", threaded_pixels)
    wanted = noise(CHUNK + 10, 5, 4)
    got = read(pictures(*(encoded(Image.fromarray(image)) for image in wanted)), tmp_path)
    assert np.array_equal(got[:, 0], wanted)
    assert np.array_equal(np.load(tmp_path / "images.npy"), got)


def test_colour_images_have_their_channels_first(tmp_path: Path) -> None:
    wanted = noise(3, 4, 5, 3)
    got = read(pictures(*(encoded(Image.fromarray(image)) for image in wanted)), tmp_path)
    assert np.array_equal(got, wanted.transpose(0, 3, 1, 2))


def test_one_colour_image_makes_all_rgb(tmp_path: Path) -> None:
    grey, colour = noise(4, 4), noise(4, 4, 3)
    got = read(pictures(encoded(Image.fromarray(grey)), encoded(Image.fromarray(colour))), tmp_path)
    assert np.array_equal(got[0], np.stack([grey] * 3))
    assert np.array_equal(got[1], colour.transpose(2, 0, 1))


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    deep = Image.fromarray(np.array([[0, 257, 32768, 65535]], dtype=np.uint16))
    assert read(pictures(encoded(deep)), tmp_path).ravel().tolist() == [0, 1, 128, 255]


def test_files_are_read_by_path_and_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[module.ORIENTATION] = 6  # to be turned a quarter clockwise
    wanted = noise(4, 6)
    Image.fromarray(wanted).save(tmp_path / "a.png", exif=exif)
    got = read(pictures(str(tmp_path / "a.png")), tmp_path)
    assert np.array_equal(got[0, 0], np.rot90(wanted, -1))


def test_different_sizes_need_a_size(tmp_path: Path) -> None:
    both = pictures(encoded(Image.fromarray(noise(4, 4))), encoded(Image.fromarray(noise(4, 6))))
    with pytest.raises(BadData, match=r"split 's', row 1: the image is 4x6, the first is 4x4: give a size"):
        common_format([both], size=None)
    got = read(both, tmp_path, size=(8, 6))
    assert got.shape == (2, 1, 8, 6)
    resized = Image.fromarray(noise(4, 6)).resize((6, 8), Image.Resampling.BILINEAR)
    assert np.array_equal(got[1, 0], np.asarray(resized))


def test_splits_must_agree_on_the_size() -> None:
    with pytest.raises(BadData, match="row 0: the image is 5x4, the first is 4x4"):
        common_format(
            [
                pictures(encoded(Image.fromarray(noise(4, 4)))),
                pictures(encoded(Image.fromarray(noise(5, 4)))),
            ],
            size=None,
        )


def test_corrupt_images_are_named_by_row(tmp_path: Path) -> None:
    good = encoded(Image.fromarray(noise(16, 16)))
    with pytest.raises(BadData, match=r"split 's', row 1: not a readable image: UnidentifiedImageError"):
        common_format([pictures(good, b"no image")], size=None)
    cut = pictures(good, good, good[: len(good) // 2])
    with pytest.raises(BadData, match=r"row 2: not a readable image: .*truncated.*: replace it or remove the row"):
        decode(cut, Format(channels=1, size=(16, 16)), tmp_path / "x.npy")
    with pytest.raises(BadData, match="row 0: there is no image"):
        common_format([pictures(None)], size=None)
    with pytest.raises(BadData, match=r"row 0 \(/nowhere/a.png\): not a readable image: .*No such file"):
        common_format([pictures("/nowhere/a.png")], size=None)


def test_images_without_a_white_are_refused() -> None:
    raw = encoded(Image.fromarray(np.zeros((2, 2), np.float32)), "TIFF")
    with pytest.raises(BadData, match=r"row 0: .*mode F has no fixed white"):
        common_format([pictures(raw)], size=None)


def test_no_images_at_all() -> None:
    with pytest.raises(BadData, match="no images: give at least one"):
        common_format([pictures()], size=None)
