"""The importance-weighted bound of the discrete model, and its score."""

from pyro_igr.infer.vimco.elbo import TraceVIMCO_ELBO

__all__ = ["TraceVIMCO_ELBO"]
