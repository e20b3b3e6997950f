"""A pair in training with the optimizers of Pyro."""

import pyro
import torch
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
    """A pair whose parameters an optimizer is about to train."""

    def __init__(self, model, guide, optimizer):
        pyro.clear_param_store()
        self.optimizer = optimizer
        for program in model, guide:
            program()

    def grow(self, start):
        igr.grow(self.optimizer, start)

    def reorder(self, order, values):
        igr.reorder(self.optimizer, order, values)
