"""Recordings as lists of events, to compare with what was written."""

from data.events.writing import Event
from spikewright.data.events.recording import Recording


def events_of(recording: Recording) -> list[Event]:
    """One tuple an event, of plain numbers."""
    columns = (recording.x.tolist(), recording.y.tolist(), recording.t.tolist(), recording.p.tolist())
    return list(zip(*columns, strict=True))
