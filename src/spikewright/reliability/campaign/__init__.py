"""Fault campaigns: many faulty copies of a network, run fast, recorded, and summed up with intervals."""
