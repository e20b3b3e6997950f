"""Discrete models that are relaxed as they stand, against what is exact."""
