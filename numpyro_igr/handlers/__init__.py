"""Effect handlers over whole models."""

from numpyro_igr.handlers.discretizing import discretize
from numpyro_igr.handlers.relaxing import relax
from numpyro_igr.handlers.reparam import IGRReparam

__all__ = ["IGRReparam", "discretize", "relax"]
