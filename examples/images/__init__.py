"""Data sets of images, and pictures of them."""
