"""Source networks learn: activations with levels, thresholds, sparsity."""
