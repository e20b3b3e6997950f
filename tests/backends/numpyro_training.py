"""A pair in training with the optimizers of NumPyro."""

import jax
import numpy as np
import optax
from numpyro import infer
from numpyro.optim import Adam, optax_to_numpyro

import numpyro_igr as igr

OPTIMIZERS = {
    "numpyro": lambda: Adam(0.05),
    "optax": lambda: optax_to_numpyro(optax.adam(0.05)),
}


class Training:
    """A pair whose parameters an optimizer trains."""

    def __init__(self, model, guide, optimizer):
        self.svi = infer.SVI(model, guide, optimizer, infer.TraceMeanField_ELBO())
        self.state = self.svi.init(jax.random.key(0))
        self._update = jax.jit(lambda state: self.svi.update(state)[0])
        self._evaluate = jax.jit(self.svi.evaluate)

    def grow(self, start, *dim):
        self.state = igr.grow(self.state, start, *dim)

    def reorder(self, order, values, *dim):
        self.state = igr.reorder(self.state, order, values, *dim)

    def step(self, count):
        for _ in range(count):
            self.state = self._update(self.state)

    def bound(self):
        """With the same noise for the sticks that were there."""
        return float(self._evaluate(self.state))

    def parameters(self):
        return {n: np.asarray(x) for n, x in self.svi.get_params(self.state).items()}

    def remembered(self):
        """What the optimizer changes: parameters, moments and counts of steps."""
        return [np.asarray(x) for x in jax.tree.leaves(self.state.optim_state)]
