"""The trained network as it was captured: its operations, its graph, what it means."""
