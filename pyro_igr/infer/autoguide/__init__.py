"""Automatic guides."""

from pyro_igr.infer.autoguide.auto_igr import AutoIGR

__all__ = ["AutoIGR"]
