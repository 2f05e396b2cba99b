"""From a PyTorch module to a `Source`, or a refusal that names every obstacle and the way out."""
