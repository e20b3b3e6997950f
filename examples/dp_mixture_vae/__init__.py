"""A Dirichlet-process mixture in the codes of a VAE."""
