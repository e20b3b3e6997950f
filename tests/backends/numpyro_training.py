"""A pair in training with the optimizers of NumPyro."""

import jax
import optax
from numpyro import infer
from numpyro.optim import Adam, optax_to_numpyro

import numpyro_igr as igr

OPTIMIZERS = {
    "numpyro": lambda: Adam(0.05),
    "optax": lambda: optax_to_numpyro(optax.adam(0.05)),
}


class Training:
    """A pair whose parameters an optimizer is about to train."""

    def __init__(self, model, guide, optimizer):
        svi = infer.SVI(model, guide, optimizer, infer.TraceMeanField_ELBO())
        self.state = svi.init(jax.random.key(0))

    def grow(self, start):
        self.state = igr.grow(self.state, start)

    def reorder(self, order, values):
        self.state = igr.reorder(self.state, order, values)
