"""RELAX, and REBAR as its special case."""

from pyro_igr.infer.relax_elbo.control_network import ControlNetwork
from pyro_igr.infer.relax_elbo.elbo import TraceRELAX_ELBO

__all__ = ["ControlNetwork", "TraceRELAX_ELBO"]
