"""Effect handlers over whole models."""

from pyro_igr.handlers.discretizing import discretize
from pyro_igr.handlers.relaxing import relax
from pyro_igr.handlers.reparam import IGRReparam

__all__ = ["IGRReparam", "discretize", "relax"]
