"""Conversion error."""
