"""From a blueprint to a program: folded into floating point, or lowered to integers."""
