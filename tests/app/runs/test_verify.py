"""Certifying runs: the certificate of a converted one, and what is refused before any data is loaded."""

from pathlib import Path

import pytest
from support.refuse_data import refuse_data
from support.trained import classifier, digits, run_folder

from spikewright.app.runs import acquire, convert
from spikewright.app.runs.convert import ConvertRequest
from spikewright.app.runs.verify import VerifyRequest, run
from spikewright.errors import BadFile, BadSetting, NotExact
from spikewright.interchange.run_folder import load_blueprint
from spikewright.measure.equality.certificate import verify


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
