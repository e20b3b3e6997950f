"""Effect handlers over whole models."""

from numpyro_igr.handlers.discretize import discretize

__all__ = ["discretize"]
