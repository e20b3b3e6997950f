"""Automatic guides."""

from numpyro_igr.infer.autoguide.auto_igr import AutoIGR

__all__ = ["AutoIGR"]
