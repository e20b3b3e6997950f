"""Sticking the landing."""

from numpyro_igr.infer.stl.elbo import TraceSTL_ELBO

__all__ = ["TraceSTL_ELBO"]
