"""A blueprint runs: lowered to a program, then step by step, in closed form, on bytes, on bits, or with gradients."""
