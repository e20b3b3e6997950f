"""Effect handlers over whole models."""

from pyro_igr.handlers.discretize import discretize
from pyro_igr.handlers.igr_reparam import IGRReparam
from pyro_igr.handlers.relax import relax

__all__ = ["IGRReparam", "discretize", "relax"]
