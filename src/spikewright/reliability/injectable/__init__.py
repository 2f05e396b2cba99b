"""Injectable."""
