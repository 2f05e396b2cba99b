"""What breaks (faults/), in what network (injectable/), how often (campaign/), on which machines (workers/)."""
