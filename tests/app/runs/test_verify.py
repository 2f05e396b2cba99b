"""Certifying runs: the certificate of a converted one, and what is refused before any data is loaded."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.refuse_data import refuse_data
from support.trained import classifier, digits, run_folder

from spikewright.app.runs import acquire, bench, compare, convert, evaluate, inject, train
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.convert import ConvertRequest
from spikewright.app.runs.verify import VerifyRequest, run
from spikewright.errors import BadFile, BadSetting, NotExact
from spikewright.interchange.run_folder import load_blueprint, load_source, save_source
from spikewright.measure.equality.certificate import verify
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip


def converted(tmp_path: Path, weight_bits: int | None = None) -> Path:
    source, out = run_folder(tmp_path / "source", 7, 7), tmp_path / "out"
    convert.run(ConvertRequest(out=out, run=source, settings={"timesteps": 3}, weight_bits=weight_bits))
    return out


def test_a_run_is_certified_on_the_first_images_of_a_split(tmp_path: Path) -> None:
    out = converted(tmp_path)
    seen: list[tuple[str, int, int]] = []
    request = VerifyRequest(run=out, samples=40, split="validation")
    result = run(request, on_progress=lambda what, done, total, note="": seen.append((what, done, total)))
    assert seen == [("images", done, 40) for done in (0, 32, 40)]
    data = digits()
    batches = acquire.inputs(data.validation, data, limit=40)
    expected = verify(load_blueprint(out)[0], classifier(7, 7), batches)
    assert result.to_json() == result.certificate.to_json() == expected.to_json()
    assert result.certificate.equal
    assert result.about["data"] == "digits"


def test_nothing_is_loaded_where_there_is_nothing_to_certify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounded = converted(tmp_path, weight_bits=4)
    refuse_data(monkeypatch)
    with pytest.raises(BadSetting, match="verify: --images is 0, but must be at least 1"):
        VerifyRequest(run=rounded, samples=0)
    with pytest.raises(BadSetting, match="no split named 'tset': choose train, validation or test"):
        VerifyRequest(run=rounded, split="tset")
    with pytest.raises(BadFile, match="no run folder"):
        run(VerifyRequest(run=tmp_path / "nowhere"))
    with pytest.raises(NotExact, match="were rounded to 4 bits after training"):
        run(VerifyRequest(run=rounded))


def test_no_verb_guesses_how_images_were_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = converted(tmp_path)
    source, about = load_source(out)
    save_source(out, replace(source, preparation=None), about=about)
    mean_alone, short = ImageSettings(mean=(0.5,)), ImageSettings(mean=(0.5, 0.5), std=(1.0, 1.0))
    known = ImageSettings(mean=digits().preparation.mean, std=digits().preparation.std)
    assert run(VerifyRequest(run=out, samples=10, images=known)).certificate.equal
    refuse_data(monkeypatch)
    campaign = (InjectSettings(fault=BitFlip(ber=1e-3), maps=1),)
    for verb in (
        lambda images: run(VerifyRequest(run=out, images=images)),
        lambda images: evaluate.run(evaluate.EvaluateRequest(run=out, images=images)),
        lambda images: inject.run(inject.InjectRequest(run=out, settings=campaign, images=images)),
        lambda images: bench.run(bench.BenchRequest(run=out, images=images)),
        lambda images: compare.run(compare.CompareRequest(run=out, methods=("cos",), timesteps=(2,), images=images)),
        lambda images: train.run(train.TrainRequest(out=tmp_path / "new", start=out, images=images)),
        lambda images: convert.run(
            ConvertRequest(out=tmp_path / "new", run=out, method="percentile_norm", images=images)
        ),
    ):
        for images in (ImageSettings(), mean_alone):
            with pytest.raises(BadSetting, match="does not say how its images were prepared: give --mean and --std"):
                verb(images)
        with pytest.raises(BadSetting, match="--mean has 2 values, the network takes 1 channels"):
            verb(short)


def test_a_mean_or_std_that_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(BadSetting, match="--mean has 1 values and --std 2"):
        ImageSettings(mean=(0.5,), std=(1.0, 1.0))
    with pytest.raises(BadSetting, match=r"--std is \(0.0,\): every value must be above 0"):
        ImageSettings(std=(0.0,))
    with pytest.raises(BadSetting, match=r"--mean is .*: every value must be finite"):
        ImageSettings(mean=(float("nan"),))
