"""Relaxed distributions for targets on the integers."""
