"""Fault campaigns: many faulty copies of one network, run fast, on many processes or machines, and recorded."""
