"""Effect handlers over whole models."""

from pyro_igr.handlers.discretize import discretize

__all__ = ["discretize"]
