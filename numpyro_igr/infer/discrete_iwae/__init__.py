"""The importance-weighted bound of relaxed samples."""

from numpyro_igr.infer.discrete_iwae.elbo import TraceDiscreteIWAE_ELBO

__all__ = ["TraceDiscreteIWAE_ELBO"]
