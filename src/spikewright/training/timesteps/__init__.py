"""Timesteps."""
