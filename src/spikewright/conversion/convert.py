"""A whole conversion: observe what the method needs, convert, and calibrate.

    convert(source, method, batches) → blueprint
Knows nothing about folders or where inputs come from.
"""

from collections.abc import Sequence
from typing import Any

from spikewright.ann.source import Source
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.methods import Method
from spikewright.conversion.observe import Statistics, observe
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint


def convert(
    source: Source,
    method: Method,
    batches: Sequence[Any] | None = None,
    *,
    statistics: Statistics | None = None,
    calibrators: Sequence[Calibrator] = (),
    on_progress: Progress = silent,
) -> Blueprint:
    """Convert a source and mend what is left, by the method's own calibrators and then those given.

    Args:
        source: the captured network; it is not changed.
        method: how to convert.
        batches: prepared, unlabelled inputs, of several inputs tuples or dicts; needed where thresholds or a calibrator
            depend on data.
        statistics: of the source on these inputs, if they are known already.
        calibrators: applied last, in order.
        on_progress: called with what is done.

    Raises:
        BadSetting: inputs are needed and there are none.
        SpikewrightError: what the method and the calibrators refuse.
    """
    needed = (*method.calibrators, *calibrators)
    if needed and batches is None:
        raise BadSetting("calibration looks at data: give calibration inputs (`--data`, or `loader`)")
    if statistics is None and method.needs_statistics(source) and batches is not None:
        statistics = observe(source, batches, on_progress=on_progress)
    blueprint = method(source, statistics)
    for calibrator in needed:
        blueprint = calibrator(blueprint, source, batches or (), on_progress=on_progress)
    return blueprint
