"""Encoders, one file each: how a prepared input becomes a train of currents."""
