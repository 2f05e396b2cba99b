"""How fast a network runs on this machine, alone or side by side with another."""
