"""A layer of leaky neurons over time, fused into one pass, with gradients."""
