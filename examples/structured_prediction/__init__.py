"""The upper half of an image predicts the lower half."""
