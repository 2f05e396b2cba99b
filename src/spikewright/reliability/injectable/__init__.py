"""A network laid out so that faults can be put into it, exactly and fast."""
