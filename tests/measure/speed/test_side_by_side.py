"""Times side by side, by a clock that the test turns."""

import pytest

from spikewright.errors import BadSetting
from spikewright.measure.speed import side_by_side as module
from spikewright.measure.speed.side_by_side import side_by_side


class _Clock:
    def __init__(self) -> None:
        self.now, self.calls = 0.0, []

    def takes(self, name: str, *seconds: float) -> None:
        def run() -> None:
            self.calls.append(name)
            self.now += seconds[(self.calls.count(name) - 1) % len(seconds)]

        return run


def test_ratios_are_within_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock.now)
    runs = {"base": clock.takes("base", 1.0, 10.0, 100.0), "half": clock.takes("half", 0.5, 5.0, 50.0)}
    found = side_by_side(runs, against="base", rounds=3, warm_up=0)
    assert clock.calls == ["base", "half"] * 3
    assert found["base"].ratio == 1.0
    assert found["half"].ratio == pytest.approx(0.5)
    assert found["half"].ratio_quartiles == pytest.approx((0.5, 0.5))
    assert found["half"].milliseconds == pytest.approx(5000.0)


def test_warm_up_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock.now)
    found = side_by_side({"base": clock.takes("base", 99.0, 99.0, 1.0)}, against="base", rounds=1, warm_up=2)
    assert found["base"].milliseconds == pytest.approx(1000.0)


def test_nothing_to_time_is_refused() -> None:
    with pytest.raises(BadSetting, match="at least one round"):
        side_by_side({"a": int}, against="a", rounds=0)
    with pytest.raises(BadSetting, match="nothing is named 'b'"):
        side_by_side({"a": int}, against="b")


def test_quartiles_are_of_the_ratios_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock.now)
    ratios = (5.0, 1.0, 7.0, 3.0, 8.0, 2.0, 6.0, 4.0)
    runs = {"base": clock.takes("base", 2.0), "other": clock.takes("other", *(2 * ratio for ratio in ratios))}
    found = side_by_side(runs, against="base", rounds=8, warm_up=0)["other"]
    assert found.ratio_quartiles == pytest.approx((3.0, 6.0))
    assert found.ratio == pytest.approx(4.5)
