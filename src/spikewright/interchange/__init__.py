"""How networks are kept and exchanged, one format a file; first the run folder."""
