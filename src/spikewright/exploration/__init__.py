"""Searches over many networks for one source."""
