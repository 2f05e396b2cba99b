"""DVS-Gesture as IBM and as tonic lay it out: which events are which gesture, and what a mistake in a list says."""

from pathlib import Path

import pytest

from data.events.writing import write, write_npy
from spikewright.data.events.gestures import CLASSES, by_gesture, by_trials
from spikewright.errors import BadFile

TABLE = "class,startTime_usec,endTime_usec\n1,100,200\n8,250,300\n8,300,400\n\n11,500,600\n"


def trials(folder: Path, *, table: str = TABLE) -> Path:
    for name in ("user01_led", "user24_natural"):
        write(folder / f"{name}.aedat", b"")
        write(folder / f"{name}_labels.csv", table.encode())
    write(folder / "trials_to_train.txt", b"user01_led.aedat\n\n")
    write(folder / "trials_to_test.txt", b"user24_natural.aedat")
    return folder


def test_each_line_of_labels_is_a_gesture(tmp_path: Path) -> None:
    takes = by_trials(trials(tmp_path))
    assert takes is not None
    for split, name in (("train", "user01_led.aedat"), ("test", "user24_natural.aedat")):
        part = takes.splits[split]
        assert {take.file for take in part} == {tmp_path / name}
        assert [(take.label, take.span) for take in part] == [
            (0, (100, 200)),
            (7, (250, 300)),
            (7, (300, 400)),
            (10, (500, 600)),
        ]
    assert takes.classes == CLASSES
    assert len(CLASSES) == 11


@pytest.mark.parametrize("name", ["user24_natural.aedat", "user24_natural_labels.csv"])
def test_what_a_list_names_must_be_there(tmp_path: Path, name: str) -> None:
    (trials(tmp_path) / name).unlink()
    with pytest.raises(BadFile, match=rf"{name}: is missing, though user24_natural\.aedat is in the list of trials"):
        by_trials(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,100", r"line 2: '1,100': it must be class, start and end in microseconds"),
        ("one,100,200", "line 2: 'one,100,200': it must be"),
        ("1,-5,200", "line 2: '1,-5,200': it must be"),
        ("1,200,200", "line 2: ends at 200 µs, but starts at 200 µs"),
        ("0,100,200", "line 2: '0' is no class of gestures: it must be from 1 to 11"),
        ("12,100,200", "line 2: '12' is no class of gestures"),
    ],
)
def test_a_line_that_cannot_be_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(BadFile, match=message):
        by_trials(trials(tmp_path, table=f"class,startTime_usec,endTime_usec\n{line}\n"))


def test_tonic_s_copy_has_the_label_in_the_name(tmp_path: Path) -> None:
    for name in (
        "Train/user01_led/0.npy",
        "Train/user01_led/10.npy",
        "Train/user01_led/9.npy",
        "Test/user24_lab/4.npy",
    ):
        write_npy(tmp_path / f"ibmGesture{name}", [])
    takes = by_gesture(tmp_path)
    assert takes is not None
    assert [(take.file.name, take.label) for take in takes.splits["train"]] == [
        ("0.npy", 0),
        ("9.npy", 9),
        ("10.npy", 10),
    ]
    assert [take.label for take in takes.splits["test"]] == [4]
    write_npy(tmp_path / "ibmGestureTest" / "user24_lab" / "11.npy", [])
    with pytest.raises(BadFile, match=r"11\.npy: '11' is no class of gestures: it must be from 0 to 10"):
        by_gesture(tmp_path)


def test_other_folders_are_not_of_this_layout(tmp_path: Path) -> None:
    assert by_trials(tmp_path) is None
    assert by_gesture(tmp_path) is None
