"""Effect handlers over whole models."""

from numpyro_igr.handlers.discretize import discretize
from numpyro_igr.handlers.igr_reparam import IGRReparam
from numpyro_igr.handlers.relax import relax

__all__ = ["IGRReparam", "discretize", "relax"]
