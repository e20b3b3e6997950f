"""A pair in training with the optimizers of Pyro."""

import pyro
import torch
from pyro import infer
from pyro.optim import Adam, ClippedAdam, ExponentialLR

import pyro_igr as igr

OPTIMIZERS = {
    "adam": lambda: Adam({"lr": 0.05}),
    "clipped": lambda: ClippedAdam({"lr": 0.05}),
    "scheduled": lambda: ExponentialLR(
        {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.05}, "gamma": 0.99}
    ),
}


class Training:
    """A pair whose parameters an optimizer trains."""

    def __init__(self, model, guide, optimizer):
        pyro.clear_param_store()
        self.optimizer = optimizer
        self.svi = infer.SVI(model, guide, optimizer, infer.TraceMeanField_ELBO())
        for program in model, guide:
            program()

    def grow(self, start, *dim):
        igr.grow(self.optimizer, start, *dim)

    def reorder(self, order, values, *dim):
        igr.reorder(self.optimizer, order, values, *dim)

    def step(self, count):
        for _ in range(count):
            self.svi.step()

    def bound(self):
        """With the same noise for the sticks that were there."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return self.svi.evaluate_loss()

    def parameters(self):
        store = pyro.get_param_store()
        return {name: x.detach().clone().numpy() for name, x in store.items()}

    def remembered(self):
        """What the optimizer changes: parameters, moments and counts of steps."""
        found = []
        for _, parameter in pyro.get_param_store().named_parameters():
            inner = self.optimizer.optim_objs[parameter]
            state = getattr(inner, "optimizer", inner).state[parameter]
            found += [parameter.detach(), *map(torch.as_tensor, state.values())]
        return [x.clone().numpy() for x in found]
