"""Engines, one file each: ways to run a program that give the same codes."""
