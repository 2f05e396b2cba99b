"""Spiking networks made for one source at a point of the space: trained, or converted."""
