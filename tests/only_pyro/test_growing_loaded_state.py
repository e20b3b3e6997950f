"""What an optimizer of Pyro has loaded changes with the parameters before any step."""

import pyro
import pytest
import torch

from pyro_igr import grow, reorder

OPTIMIZERS = {
    "plain": lambda: pyro.optim.Adam({"lr": 0.1}),
    "scheduled": lambda: pyro.optim.ExponentialLR(
        {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.1}, "gamma": 0.9}
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_moments_that_were_loaded_grow_and_are_reordered(name):
    pyro.clear_param_store()
    means = pyro.param("means", torch.tensor([3.0, 4.0]))
    first, loaded = (OPTIMIZERS[name]() for _ in range(2))
    means.grad = torch.tensor([1.0, -2.0])
    first([means])
    loaded.set_state(first.get_state())
    reorder(loaded, [1, 0], {"means": None})
    grow(loaded, {"means": torch.zeros(1)})
    means.grad = torch.zeros(3)
    loaded([means])

    def moments(optimizer):
        of = optimizer.optim_objs[means]
        return getattr(of, "optimizer", of).state[means]["exp_avg"]

    torch.testing.assert_close(moments(loaded), torch.tensor([-0.18, 0.09, 0.0]))
    torch.testing.assert_close(moments(first), torch.tensor([0.1, -0.2]))
