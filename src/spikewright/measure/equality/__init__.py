"""Whether a network is equal to its quantised source, code by code, by an independent reference."""
