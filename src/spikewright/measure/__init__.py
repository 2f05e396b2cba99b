"""How right, how equal, how costly, how fast, how sure."""
