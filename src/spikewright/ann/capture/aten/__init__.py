"""Aten."""
