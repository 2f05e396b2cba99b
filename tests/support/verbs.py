"""The verbs that write, each on a small network: what there was before, the command, what it gives."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spikewright.app.api.folders import save
from spikewright.app.pages.injection import write_injection
from spikewright.app.runs import compare, convert, inject, search, train
from spikewright.data.files import write_json
from spikewright.engines.network import build
from spikewright.exploration.request.settings import FaultSettings, GateSettings, NetworkSettings, SearchSettings
from spikewright.exploration.request.space import ConvertedSpace
from spikewright.exploration.workspace import digest_of
from spikewright.interchange import run_folder
from spikewright.interchange.placing import has_file, present
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.training.settings import TrainSettings
from support import trained

OUT, RUN = "out", "run"


@dataclass(frozen=True)
class Verb:
    """A command in a folder of its own.

    Attributes:
        name: of it.
        begin: what there is before.
        command: the command; returns its figures.
        after_a_kill: what may be there then, as plain data; other than before and after it nothing may.
    """

    name: str
    begin: Callable[[Path], object]
    command: Callable[[Path], Any]
    after_a_kill: Callable[[Path], Any]

    def __str__(self) -> str:
        return self.name


class Tried:
    """A verb's folder before its command, to which it comes back as often as the command is tried.

    Attributes:
        root: the folder.
        before: what is there, as `Verb.after_a_kill` has it.
    """

    def __init__(self, verb: Verb, folder: Path) -> None:
        self.root, self._begun = folder / "root", folder / "begun"
        self.root.mkdir()
        verb.begin(self.root)
        shutil.copytree(self.root, self._begun)
        self.before = verb.after_a_kill(self.root)

    def again(self) -> None:
        """As it was before the command."""
        shutil.rmtree(self.root)
        shutil.copytree(self._begun, self.root)


def network(folder: Path) -> dict[str, Any]:
    """What is in a run folder, read as every verb reads it; empty: no run."""
    found: dict[str, Any] = {"files": present(folder)}
    if has_file(folder, "plan.json"):
        blueprint, about = run_folder.load_blueprint(folder)
        found |= {"plan": digest_of(blueprint), "about": _steady(about)}
    if has_file(folder, "source.json"):
        source, about = run_folder.load_source(folder)
        found |= {"source": {name: array.sum().item() for name, array in source.arrays.items()}, "its": _steady(about)}
    return json.loads(json.dumps(found))


def _steady(content: Any) -> Any:
    """Without what depends on the clock."""
    if isinstance(content, dict):
        return {name: _steady(value) for name, value in content.items() if "seconds" not in name}
    return [_steady(each) for each in content] if isinstance(content, list | tuple) else content


def _source(root: Path, *levels: int) -> Path:
    return root / RUN if (root / RUN).is_dir() else trained.run_folder(root / RUN, *levels)


def _convert(root: Path, timesteps: int, **more: Any) -> dict[str, Any]:
    run = _source(root, 5, 5)
    request = {"settings": {"timesteps": timesteps}, "calibration": 24, **more}
    convert.run(convert.ConvertRequest(out=root / OUT, run=run, **request))
    return network(root / OUT)


def _converted_with_figures(root: Path) -> None:
    _convert(root, 2)
    for name in ("compare", "campaigns"):
        write_json(root / OUT / name / "figures.json", {"of": "the run before"})


def _train(root: Path, **more: Any) -> dict[str, Any]:
    settings = TrainSettings(epochs=2, batch_size=400, device="cpu")
    train.run(train.TrainRequest(out=root / OUT, start=_source(root), levels=3, settings=settings, **more))
    return network(root / OUT)


def _compare(root: Path, *timesteps: int) -> list[Any]:
    wanted = compare.CompareRequest(
        run=_source(root, 5, 5), methods=("exact",), timesteps=timesteps, samples=20, calibration=20
    )
    return compare.run(wanted).to_json()


def _rows_are_whole(root: Path) -> bool:
    return len(json.loads((root / RUN / "compare" / compare.ROWS).read_text())["rows"]) > 0


def _inject(root: Path, maps: int = 2) -> dict[str, Any]:
    settings = InjectSettings(fault=BitFlip(ber=0.01), maps=maps)
    wanted = inject.InjectRequest(run=_source(root, 5, 5), settings=(settings,), samples=20)
    found = inject.run(wanted)
    write_injection(root / "page" / "faults.html", [found.to_json()], note="a note")
    write_json(root / "figures" / "faults.json", found.to_json())
    return _steady(found.to_json())


def _page(root: Path) -> list[Any]:
    """Whether each is whole where it is there."""
    page, figures = root / "page" / "faults.html", root / "figures" / "faults.json"
    return [
        not page.exists() or page.read_text().rstrip().endswith("</html>"),
        not figures.exists() or isinstance(json.loads(figures.read_text()), dict),
    ]


def _save(root: Path, factor: float) -> dict[str, Any]:
    source = trained.classifier(5, 5)
    arrays = {name: array * factor for name, array in source.arrays.items()}
    other = type(source).of(source.input_shape, source.nodes, arrays, source.preparation)
    made = convert.run_conversion(other, convert.chosen("exact", {"timesteps": 3}), None)
    save(root / OUT, build(made, dtype=torch.float32), other, about={"factor": factor})
    return network(root / OUT)


def _search(root: Path, methods: tuple[str, ...] = ("exact",)) -> dict[str, Any]:
    settings = SearchSettings(
        kind="convert",
        network=NetworkSettings(run=_source(root, 5, 5)),
        out=root / OUT,
        faults=FaultSettings(ber=(0.01,), maps=100, cap=100, images=20),
        gates=GateSettings(accuracy_margin=99, reliability_margin=99),
        space=ConvertedSpace(methods=methods, timesteps=(2,)),
    )
    found = search.run(search.SearchRequest(settings=settings)).to_json()
    return _steady({name: found[name] for name in ("candidates", "front", "test")})


def _found_is_whole(root: Path) -> list[Any]:
    """Whether what a search has written is whole where it is there: figures, page, and the networks it names."""
    result, page = root / OUT / search.RESULT, root / OUT / search.PAGE
    named = json.loads(result.read_text())["candidates"] if result.exists() else []
    return [
        not page.exists() or page.read_text().rstrip().endswith("</html>"),
        all(network(root / OUT / one["folder"])["files"] for one in named if one["folder"]),
    ]


def _of_out(root: Path) -> dict[str, Any]:
    return network(root / OUT)


VERBS = (
    Verb("convert", lambda root: _source(root, 5, 5), lambda root: _convert(root, 3), _of_out),
    Verb("convert again", lambda root: _convert(root, 3), lambda root: _convert(root, 3), _of_out),
    Verb("convert --overwrite", _converted_with_figures, lambda root: _convert(root, 3, overwrite=True), _of_out),
    Verb(
        "convert --calibrate", lambda root: _source(root, 5, 5),
        lambda root: _convert(root, 3, calibrate=True, calibration_epochs=2), _of_out,
    ),
    Verb("compare", lambda root: _compare(root, 1), lambda root: _compare(root, 1, 2, 3), _rows_are_whole),
    Verb("inject", lambda root: _source(root, 5, 5), _inject, _page),
    Verb("sw.save", lambda root: _save(root, 1.0), lambda root: _save(root, 0.5), _of_out),
    Verb("train", _source, _train, _of_out),
    Verb("train again", _train, _train, _of_out),
    Verb(
        "train --overwrite", lambda root: _convert(root, 2), lambda root: _train(root, overwrite=True), _of_out
    ),
)  # fmt: skip

SEARCHES = (
    Verb("search", lambda root: _source(root, 5, 5), _search, _found_is_whole),
    Verb("search again", _search, _search, _found_is_whole),
)
"""Verbs that leave whole results on their way, which the same command goes on from."""
