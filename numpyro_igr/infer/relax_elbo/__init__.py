"""RELAX, and REBAR as its special case."""

from numpyro_igr.infer.relax_elbo.control_network import ControlNetwork
from numpyro_igr.infer.relax_elbo.elbo import TraceRELAX_ELBO

__all__ = ["ControlNetwork", "TraceRELAX_ELBO"]
