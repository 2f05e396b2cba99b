"""Where a converted network differs from its source, and by which kind of error."""
