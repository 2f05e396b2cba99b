"""The number of timesteps of each activation is learned."""
