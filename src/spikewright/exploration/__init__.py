"""Many candidates, gates, and what is left of them."""
