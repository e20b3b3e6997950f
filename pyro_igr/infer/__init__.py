"""Inference with the host's engines."""

from pyro_igr.infer.analytic_kl import assert_analytic_kl

__all__ = ["assert_analytic_kl"]
