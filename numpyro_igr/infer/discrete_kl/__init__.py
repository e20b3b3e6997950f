"""The ELBO with the exact KL of the discrete distributions."""

from numpyro_igr.infer.discrete_kl.elbo import TraceDiscreteKL_ELBO

__all__ = ["TraceDiscreteKL_ELBO"]
