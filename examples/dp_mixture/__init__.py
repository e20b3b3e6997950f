"""A Dirichlet-process mixture of Gaussians, a page of code in each host."""
