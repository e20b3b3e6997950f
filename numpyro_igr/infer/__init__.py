"""Inference with the host's engines."""

from numpyro_igr.infer.analytic_kl import assert_analytic_kl
from numpyro_igr.infer.discrete_kl import TraceDiscreteKL_ELBO

__all__ = ["TraceDiscreteKL_ELBO", "assert_analytic_kl"]
