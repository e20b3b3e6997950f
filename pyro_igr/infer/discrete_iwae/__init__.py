"""The importance-weighted bound of relaxed samples."""

from pyro_igr.infer.discrete_iwae.elbo import TraceDiscreteIWAE_ELBO

__all__ = ["TraceDiscreteIWAE_ELBO"]
