"""Discrete models that are relaxed unchanged, compared with exact answers."""
