"""What is asked for: a search file, its settings, the space and its points."""
