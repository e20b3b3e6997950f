"""Inference with the host's engines."""

from pyro_igr.infer.analytic_kl import assert_analytic_kl
from pyro_igr.infer.autoguide import AutoIGR
from pyro_igr.infer.discrete_iwae import TraceDiscreteIWAE_ELBO
from pyro_igr.infer.discrete_kl import TraceDiscreteKL_ELBO
from pyro_igr.infer.enumerated import TraceEnumeratedDiscrete_ELBO
from pyro_igr.infer.evaluation import LogLikelihood, log_likelihood, log_weights
from pyro_igr.infer.growing import grow, tail_start
from pyro_igr.infer.relax_elbo import ControlNetwork, TraceRELAX_ELBO
from pyro_igr.infer.reordering import reorder, reordered_start
from pyro_igr.infer.stl import TraceSTL_ELBO
from pyro_igr.infer.unordered_set import TraceUnorderedSet_ELBO
from pyro_igr.infer.vimco import TraceVIMCO_ELBO

__all__ = [
    "AutoIGR",
    "ControlNetwork",
    "LogLikelihood",
    "TraceDiscreteIWAE_ELBO",
    "TraceDiscreteKL_ELBO",
    "TraceEnumeratedDiscrete_ELBO",
    "TraceRELAX_ELBO",
    "TraceSTL_ELBO",
    "TraceUnorderedSet_ELBO",
    "TraceVIMCO_ELBO",
    "assert_analytic_kl",
    "grow",
    "log_likelihood",
    "log_weights",
    "reorder",
    "reordered_start",
    "tail_start",
]
