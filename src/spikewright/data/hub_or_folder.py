"""Read a data set with Hugging Face `datasets`, from a local folder or the hub, without decoding its images.

The image and label columns are found by their type. Knows nothing about the cache or the splits wanted.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.types
from numpy.typing import NDArray

from spikewright.data.decode import Pictures
from spikewright.errors import BadData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """Encoded pictures and labels by split, the number of classes, and their names by label."""

    pictures: Mapping[str, Pictures]
    labels: Mapping[str, NDArray[np.int64]]
    classes: int
    names: tuple[str, ...]


def read_folder(folder: Path, *, where: str, label: str | None, scratch: Path) -> Source:
    """Read a folder of parquet files, images by class, or one written by `save_to_disk`.

    `scratch` is an empty folder that must outlive the pictures: they are mapped from it.

    Raises:
        BadData: nothing readable inside, or no image or label column.

    """
    with _quietly(bars=False), _one_line(where):
        if (folder / "dataset_dict.json").is_file():
            found = datasets.load_from_disk(str(folder))
        else:
            # whole, as the library takes "parquet", "csv" and the like for formats; its arrow copy is not needed later
            found = datasets.load_dataset(str(folder.absolute()), cache_dir=str(scratch))
    return _columns(found, where=where, label=label)


def read_hub(name: str, *, where: str, label: str | None) -> Source:
    """Read a data set of the hub by its id, downloading it if need be.

    Raises:
        BadData: not found, no access, or no image or label column.

    """
    with _quietly(bars=True), _one_line(where):
        found = datasets.load_dataset(name)
    return _columns(found, where=where, label=label)


@contextmanager
def _quietly(*, bars: bool) -> Iterator[None]:
    """Keep the readers' warnings (and, for local files, their progress bars) off the terminal."""
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    hide = not bars and datasets.is_progress_bar_enabled()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    if hide:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if hide:
            datasets.enable_progress_bars()


@contextmanager
def _one_line(where: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever a reader of many formats meets, the file is at fault
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__  # the outermost says only that something failed
        words = str(cause).strip().splitlines()
        raise BadData(
            f"{where}: cannot be read ({type(cause).__name__}: {words[0] if words else 'no details'}): "
            "give parquet files or images as SPLIT/CLASS/IMAGE, with the splits train and test"
        ) from error


def _columns(found: object, *, where: str, label: str | None) -> Source:
    if not isinstance(found, datasets.DatasetDict) or not found:
        raise BadData(f"{where}: has no splits: give train and test")
    features = next(iter(found.values())).features
    image = _image_column(features, where=where)
    chosen = _label_column(features, where=where, label=label)
    pictures: dict[str, Pictures] = {}
    labels: dict[str, NDArray[np.int64]] = {}
    for split, rows in found.items():
        place = f"{where}, split '{split}'"
        if len(rows) == 0:
            raise BadData(f"{place}: is empty: give at least one image")
        # the encoded bytes as one arrow column: no Python object per row
        table: Any = rows.cast_column(image, datasets.Image(decode=False)).with_format("arrow")[:]
        pictures[str(split)] = Pictures(column=table.column(image), where=place)
        labels[str(split)] = _labels(table.column(chosen), where=place)
    feature = features[chosen]
    if isinstance(feature, datasets.ClassLabel):
        names = tuple(str(name) for name in feature.names)
    else:
        names = tuple(str(label) for label in range(1 + max(int(v.max()) for v in labels.values())))
    return Source(pictures=pictures, labels=labels, classes=len(names), names=names)


def _labels(column: pa.ChunkedArray, *, where: str) -> NDArray[np.int64]:
    if column.null_count == len(column):
        raise BadData(
            f"{where}: has no labels; folders of one class alone give none: give images of two classes or more in it, "
            "as CLASS/IMAGE"
        )
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise BadData(f"{where}, row {row}: the label is missing: remove or label the row")
    values = column.to_numpy().astype(np.int64)
    if values.min() < 0:
        row = int(np.argmin(values))
        raise BadData(f"{where}, row {row}: label {values[row]}: labels start at 0; remove unlabelled rows")
    return values


def _image_column(features: datasets.Features, *, where: str) -> str:
    columns = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    if len(columns) != 1:
        raise BadData(
            f"{where}: {len(columns)} image columns among {', '.join(features)}: exactly one must have the type Image"
        )
    return columns[0]


def _label_column(features: datasets.Features, *, where: str, label: str | None) -> str:
    classes = [name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    integers = [
        name
        for name, feature in features.items()
        if isinstance(feature, datasets.Value) and pyarrow.types.is_integer(feature.pa_type)
    ]
    columns = classes or integers
    if label is not None:
        if label not in classes + integers:
            raise BadData(f"{where}: no label column '{label}': choose one of {', '.join(classes + integers)}")
        return label
    if len(columns) > 1 and "label" in columns:
        return "label"
    if len(columns) != 1:
        listed = f"{len(columns)} label columns ({', '.join(columns)})" if columns else "no label column"
        way_out = (
            "name the one that is meant with --label (in Python: label=)"
            if columns
            else "give images as train/CLASS/IMAGE and test/CLASS/IMAGE with two classes or more, or a column 'label'"
        )
        raise BadData(f"{where}: {listed} among {', '.join(features)}: {way_out}")
    return columns[0]
