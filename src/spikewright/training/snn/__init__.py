"""Spiking networks learn directly, by surrogate gradients."""
