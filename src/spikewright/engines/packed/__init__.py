"""The packed engine: directly trained networks of 1-bit weights, run from packed words."""
