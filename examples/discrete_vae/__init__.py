"""A variational autoencoder of images with discrete codes."""
