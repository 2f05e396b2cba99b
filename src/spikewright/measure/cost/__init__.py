"""What a network costs: synaptic operations, energy, latency, memory."""
