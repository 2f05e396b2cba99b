"""The bench: what is on disk is not made again, faults are struck where they are asked for, fresh maps are fresh."""

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from support.reported import Verdicts
from support.trained import classifier, digits

from exploration.candidates.test_converted import maker
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile, BadModel, BadSetting
from spikewright.exploration.candidates.converted import ConvertedMaker
from spikewright.exploration.candidates.maker import Made
from spikewright.exploration.figures.fault_free import golden
from spikewright.exploration.figures.under_faults import FaultLoad, FaultyAccuracies
from spikewright.exploration.request.points import Converted, Point
from spikewright.exploration.request.settings import FaultSettings, GateSettings, NetworkSettings, SearchSettings
from spikewright.exploration.request.space import ConvertedSpace
from spikewright.exploration.workspace import Bench, digest_of, fresh_seed
from spikewright.interchange import run_folder as folder
from spikewright.measure.samples import Prepared, batches
from spikewright.snn.blueprint import Blueprint

POINT = Converted(method="qcfs", timesteps=4, bits=8)


@dataclass
class Asked:
    """A measure that notes what it is asked."""

    log: list[tuple[str, Prepared, FaultLoad]] = field(default_factory=list)

    def __call__(
        self,
        network: Blueprint | Source,
        samples: Prepared,
        load: FaultLoad,
        *,
        record: Path,
        on_progress: Progress = silent,
    ) -> FaultyAccuracies:
        self.log.append((type(network).__name__, samples, load))
        on_progress("fault maps", load.maps, load.maps)
        return FaultyAccuracies(0.5, np.full(load.maps, 0.25))


class CountingMaker:
    """A maker that counts, and may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.inner: ConvertedMaker = maker()
        self.made: list[str] = []
        self.error = error
        self.validation, self.test, self.possible = self.inner.validation, self.inner.test, self.inner.possible

    def make(self, point: Point, folder: Path) -> Made:
        self.made.append(point.name)
        if self.error is not None:
            raise self.error
        return self.inner.make(point, folder)


def bench(out: Path, *, error: Exception | None = None, images: int = 20) -> Bench:
    settings = SearchSettings(
        kind="convert", network=NetworkSettings(run=Path("ann")), out=out,
        space=ConvertedSpace(methods=("qcfs",), timesteps=(4,)), gates=GateSettings(accuracy_margin=5),
        faults=FaultSettings(ber=(0.01,), maps=4, cap=4, images=images),
    )  # fmt: skip
    return Bench(
        settings=settings, source=classifier(), digest=acquire.digest(classifier()), data=digits(),
        maker=CountingMaker(error), measure=Asked(),
    )  # fmt: skip


def test_a_candidate_is_made_once_and_is_a_run_folder(tmp_path: Path) -> None:
    first = bench(tmp_path)
    on_verdicts = Verdicts()
    one = first.candidate(POINT, on_progress=on_verdicts)
    again, other = first.candidate(POINT), bench(tmp_path)
    assert one == again == other.candidate(POINT)
    assert isinstance(first.maker, CountingMaker) and isinstance(other.maker, CountingMaker)
    assert first.maker.made == ["qcfs_t4_b8"] and other.maker.made == []
    assert one.folder == "candidates/qcfs_t4_b8"
    blueprint, about = folder.load_blueprint(tmp_path / one.folder)
    source, _ = folder.load_source(tmp_path / one.folder)
    assert one.golden == golden(blueprint, source, batches(first.maker.validation), table="horowitz_int32")
    assert about["search"]["digest"] == digest_of(blueprint) == digest_of(first.blueprint(POINT))
    assert on_verdicts[-1] == ("qcfs_t4_b8", 136, 136)


def test_the_trained_network_beside_it_has_the_same_bits(tmp_path: Path) -> None:
    stored = bench(tmp_path)
    assert [stored.candidate(replace(POINT, bits=bits)).beside for bits in (8, 3)] == [
        stored.baseline(8),
        stored.baseline(3),
    ]
    assert stored.baseline(8) is stored.baseline(8)
    assert stored.baseline(3).bits == 3


@pytest.mark.parametrize("error", [BadModel("the loss is not finite"), BadSetting("no device"), KeyboardInterrupt()])
def test_only_what_is_wrong_with_one_candidate_is_its_own(tmp_path: Path, error: Exception) -> None:
    stored = bench(tmp_path, error=error)
    if isinstance(error, BadModel):
        assert stored.candidate(POINT).failure == "the loss is not finite"
    else:
        with pytest.raises(type(error)):
            stored.candidate(POINT)
    assert not (tmp_path / "candidates").exists()


def test_faults_strike_both_networks_alike(tmp_path: Path) -> None:
    stored = bench(tmp_path)
    stored.candidate(POINT)
    on_verdicts = Verdicts()
    ask = stored.asking({POINT.name: POINT}, seed=5, on_progress=on_verdicts)
    first, second = ask(POINT.name, 0.01, 4)
    assert first.accuracies.tolist() == second.accuracies.tolist() == [0.25] * 4
    assert isinstance(stored.measure, Asked)
    (network, mine, load), (source, theirs, other) = stored.measure.log
    assert (network, source) == ("Blueprint", "Source")
    assert load == other == FaultLoad(ber=0.01, maps=4, seed=5, bits=8)
    assert mine.labels.tolist() == theirs.labels.tolist() == digits().validation.labels[:20].tolist()
    ask(POINT.name, 0.01, 4)
    assert len(stored.measure.log) == 2
    assert on_verdicts[0] == ("qcfs_t4_b8, bit error rate 0.01", 4, 4)
    stored.asking({POINT.name: POINT}, seed=5, split="test")(POINT.name, 0.01, 2)
    assert stored.measure.log[2][1].labels.tolist() == digits().test.labels[:20].tolist()


def test_a_network_that_was_made_anew_does_not_take_the_answers_of_the_old_one(tmp_path: Path) -> None:
    stored = bench(tmp_path)
    stored.candidate(POINT)
    stored.asking({POINT.name: POINT}, seed=5)(POINT.name, 0.01, 4)
    path = tmp_path / "candidates" / POINT.name / "plan.json"
    content = json.loads(path.read_text())
    content["about"]["search"]["digest"] = "another"
    path.write_text(json.dumps(content))
    with pytest.raises(BadFile, match="holds accuracies of another network"):
        bench(tmp_path).asking({POINT.name: POINT}, seed=5)(POINT.name, 0.01, 4)


def test_the_test_split_has_its_own_figures(tmp_path: Path) -> None:
    stored = bench(tmp_path)
    stored.candidate(POINT)
    found, beside = stored.on_test(POINT)
    assert found == golden(stored.blueprint(POINT), classifier(), batches(stored.maker.test), table="horowitz_int32")
    assert found.images == len(digits().test)
    assert beside.accuracy != stored.baseline(8).accuracy


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({}, "is not a candidate of a search: delete the folder"),
        ({"search": {"golden": {}, "digest": "x"}}, "its figures cannot be read"),
    ],
)
def test_damaged_candidates_are_refused(tmp_path: Path, damage: dict[str, object], words: str) -> None:
    stored = bench(tmp_path)
    stored.candidate(POINT)
    path = tmp_path / "candidates" / POINT.name / "plan.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "about": damage}))
    with pytest.raises(BadFile, match=words):
        bench(tmp_path).candidate(POINT)


def test_a_folder_without_a_plan_is_begun_again(tmp_path: Path) -> None:
    stored = bench(tmp_path)
    stored.candidate(POINT)
    (tmp_path / "candidates" / POINT.name / "plan.json").unlink()  # killed between weights and plan
    other = bench(tmp_path)
    assert other.candidate(POINT).golden == stored.candidate(POINT).golden
    shutil.rmtree(tmp_path / "candidates")
    assert bench(tmp_path).candidate(POINT) == stored.candidate(POINT)


def test_fresh_seeds_differ_by_purpose_and_from_the_seed() -> None:
    seeds = [seed for base in range(50) for seed in (base, fresh_seed(base, "front"), fresh_seed(base, "test"))]
    assert len(set(seeds)) == len(seeds)
    assert fresh_seed(3, "front") == fresh_seed(3, "front") >= 0
    assert max(seeds) < 2**32


def test_the_plan_is_what_the_settings_say(tmp_path: Path) -> None:
    plan = bench(tmp_path).plan(0.02)
    assert (plan.rates, plan.margin, plan.alpha, plan.maps, plan.cap) == ((0.01,), 0.0, 0.02, 4, 4)
    assert type(plan.way).__name__ == "Normal" and plan.by == "ratio"
