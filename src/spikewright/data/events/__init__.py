"""Recordings of event cameras: read, summed into frames, split and cached.

`load.load_events` finds a data set; `frames.frames` sums a recording. Knows nothing about networks or spikes.
"""
