"""Compiled loops over plain arrays, one file each; what they compute is said, and checked, without them."""
