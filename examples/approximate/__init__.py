"""Relaxed distributions that approximate distributions of integers."""
