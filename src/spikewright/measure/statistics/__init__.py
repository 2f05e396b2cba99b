"""Statistics of fault campaigns, one idea a file: intervals, decisions, corrections, sample sizes.

Plain numbers in, plain numbers out; knows nothing about networks or faults. Everything is in shares (0.01 is one
point), never in points. The unit of replication is the fault map: one value a map, in the order of map ids.
"""
