"""Sticking the landing."""

from pyro_igr.infer.stl.elbo import TraceSTL_ELBO

__all__ = ["TraceSTL_ELBO"]
