"""How a network runs on hardware with a core a layer, or a layer at a time."""
