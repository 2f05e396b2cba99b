"""The spiking network as data: a plan, the parts it is made of, its arrays."""
