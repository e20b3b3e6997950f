"""The importance-weighted bound of the discrete model, and its score."""

from numpyro_igr.infer.vimco.elbo import TraceVIMCO_ELBO

__all__ = ["TraceVIMCO_ELBO"]
