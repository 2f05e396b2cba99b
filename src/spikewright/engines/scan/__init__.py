"""Compiled loops over plain arrays, one file each; they know nothing about tensors, networks or gradients' owners."""
