"""Find a data set by name, folder or hub id, and return it in three splits, decoded and measured.

The first reading decodes and is cached; later ones map the arrays into memory and open no image.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from spikewright.data.cache import cached, image_file, key_of
from spikewright.data.classes import require_classes_in_train, require_several
from spikewright.data.cut import require_splits, three_splits
from spikewright.data.dataset import ImageData, Split
from spikewright.data.decoded import Decoded, measure
from spikewright.data.digits import read_digits
from spikewright.data.events.layout import SOURCES, has_recordings, unread_recordings
from spikewright.data.folder import data_root, find_folder, listing
from spikewright.data.hub_reachable import hub_answers
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData, BadSetting, did_you_mean

if TYPE_CHECKING:
    from spikewright.data.hub_or_folder import Source

HUB_IDS = {
    "mnist": "ylecun/mnist",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
    "cifar10": "uoft-cs/cifar10",
}


def load(
    name_or_path: str,
    *,
    seed: int = 0,
    validation_share: float = 0.1,
    root: Path | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    size: tuple[int, int] | None = None,
    label: str | None = None,
) -> ImageData:
    """Load a data set: `digits`, `mnist`, `fashion_mnist`, `cifar10`, a folder, or a hub id.

    The named sets are looked for in `root`, else in `$SPIKEWRIGHT_DATA`, under their name, then on the hub;
    digits needs neither. `size` (height, width) resizes every image; `mean` and `std` per channel (white is
    1) default to those of the training images as found. Without a validation split, `validation_share` of
    train is cut by `seed`. `label` names the label column where several could be it.

    Raises:
        BadData: not found, no network, no test split, a corrupt image, images of different sizes, or event data.
        BadSetting: a mean, std or share that cannot be.
        BadFile: the cache cannot be written.

    """
    where = f"data '{name_or_path}'"
    if name_or_path in SOURCES:
        raise BadData(_events(where))
    decoded = _decoded(name_or_path, where=where, root=root, size=size, label=label)
    train, validation, test = three_splits(decoded.splits, where=where, share=validation_share, seed=seed)
    return ImageData(
        name=_lasting(name_or_path),
        classes=decoded.classes,
        train=train,
        validation=validation,
        test=test,
        preparation=_preparation(decoded, mean, std),
        fingerprint=decoded.fingerprint,
        label=label,
    )


def _preparation(decoded: Decoded, mean: tuple[float, ...] | None, std: tuple[float, ...] | None) -> InputPreparation:
    """By the mean and std that are given, else by those of the training images."""
    channels, height, width = decoded.splits["train"].images.shape[1:]
    return InputPreparation(
        mean=decoded.mean if mean is None else mean,
        std=decoded.std if std is None else std,
        size=(height, width),
        channels=channels,
    )


def _lasting(name: str) -> str:
    """A folder by its full path, so that a run finds its data from anywhere; a name or hub id as it is."""
    known = name == "digits" or name in HUB_IDS
    return str(Path(name).resolve()) if not known and Path(name).is_dir() else name


def _decoded(name: str, *, where: str, root: Path | None, size: tuple[int, int] | None, label: str | None) -> Decoded:
    if name == "digits":
        if label is not None:
            raise BadSetting(f"{where}: its labels are in no column, and {label!r} names one: leave out --label")
        return read_digits(size)
    folder = find_folder(name, root=root)
    if folder is None:
        return _from_hub(name, where=where, root=root, size=size, label=label)
    files = listing(folder)
    if has_recordings([path for path, _, _ in files]):
        raise BadData(_events(where))
    unread = unread_recordings([path for path, _, _ in files])
    if unread:
        raise BadData(f"{where}: {unread}")
    key = key_of("folder", str(folder.resolve()), files, size, label)

    def fill(workspace: Path) -> Decoded:
        # `datasets` takes a second to import, and a cached data set does without
        from spikewright.data.hub_or_folder import read_folder  # noqa: PLC0415

        with tempfile.TemporaryDirectory(dir=workspace) as scratch:
            source = read_folder(folder, where=where, label=label, scratch=Path(scratch))
            return _pixels(source, workspace, where=where, size=size)

    return cached(key, fill)


def _from_hub(name: str, *, where: str, root: Path | None, size: tuple[int, int] | None, label: str | None) -> Decoded:
    hub_id = HUB_IDS.get(name, name)

    def fill(workspace: Path) -> Decoded:
        if not hub_answers():
            raise BadData(f"{where}: {_nowhere(name, hub_id, root=root)}")
        from spikewright.data.hub_or_folder import read_hub  # noqa: PLC0415

        return _pixels(read_hub(hub_id, where=where, label=label), workspace, where=where, size=size)

    # decoded once, a data set of the hub needs no network: its id is the key
    return cached(key_of("hub", hub_id, size, label), fill)


def is_event_data(name_or_path: str, *, root: Path | None = None) -> bool:
    """Whether a name or folder is one of recordings of events, which `load_events` reads."""
    if name_or_path in SOURCES:
        return True
    folder = find_folder(name_or_path, root=root)
    return folder is not None and has_recordings([path for path, _, _ in listing(folder)])


def _events(where: str) -> str:
    return f"{where}: is event data: give --timesteps, how many frames a recording becomes (in Python: load_events)"


def _nowhere(name: str, hub_id: str, *, root: Path | None) -> str:
    """Say where a data set was looked for, and what would help."""
    if name not in HUB_IDS:
        hint = did_you_mean(name, ("digits", *HUB_IDS, *SOURCES))
        return (
            f"{hint}there is no such folder and the Hugging Face hub cannot be reached: "
            "check the path, go online, or set HF_HUB_OFFLINE=1 to use what the hub's client downloaded earlier"
        )
    base = data_root(root)
    place = f"{base / name} does not exist" if base else "SPIKEWRIGHT_DATA is not set"
    return (
        f"{place} and the Hugging Face hub ({hub_id}) cannot be reached: set SPIKEWRIGHT_DATA to the folder "
        f"that holds {name}/ with its parquet files, or use 'digits', which needs neither"
    )


def _pixels(source: "Source", workspace: Path, *, where: str, size: tuple[int, int] | None) -> Decoded:
    from spikewright.data.decode import common_format, decode  # noqa: PLC0415 - brings arrow and PIL

    # refuse before minutes of decoding what would be refused after
    require_splits(source.pictures, where=where)
    require_several(source.names, where=where)
    require_classes_in_train(source.labels, names=source.names, where=where)
    wanted = common_format(list(source.pictures.values()), size=size)
    splits = {
        name: Split(images=decode(part, wanted, image_file(workspace, name)), labels=source.labels[name])
        for name, part in source.pictures.items()
    }
    return measure(splits, classes=source.classes)
