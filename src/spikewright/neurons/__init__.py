"""Neuron laws, one file each: how a membrane integrates a current, fires and resets."""
