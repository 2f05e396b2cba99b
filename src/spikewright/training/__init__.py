"""Training on the captured graph: a `Source` in, the same `Source` with trained arrays out.

Library models and users' own take the same path. Knows nothing about spikes; timesteps
are learned here as numbers of levels.
"""
