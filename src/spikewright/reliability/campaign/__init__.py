"""Fault campaigns: many faulty copies of a network, recorded and summed up with intervals."""
