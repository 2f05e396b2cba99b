"""From a captured network to a spiking one: stages, thresholds, methods, calibrators."""
