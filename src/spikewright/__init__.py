"""Turn a trained PyTorch network into a spiking network that is proven equal to it."""

__version__ = "0.1.0"
