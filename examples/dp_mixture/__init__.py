"""A Dirichlet-process mixture of Gaussians, of a page in each host."""
