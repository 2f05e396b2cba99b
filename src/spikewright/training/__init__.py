"""Networks learn: with levels (ann/), as spiking networks (snn/), with learned timesteps; one loop."""
