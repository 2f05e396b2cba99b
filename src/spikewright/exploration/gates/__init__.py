"""What a candidate must pass: cheap figures first, then reliability."""
