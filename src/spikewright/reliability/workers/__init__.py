"""Where fault maps are run: one process, several, or a cluster."""
