"""Parameters in training and their moments, changed together."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pyro
import torch
from pyro.optim import PyroOptim
from torch import Tensor
from torch.optim import Optimizer

from pyro_igr._host import waiting_states


def change(
    state: PyroOptim | Optimizer,
    parameter: Tensor | str,
    of_value: Callable,
    of_moment: Callable,
) -> None:
    """Changes a parameter, and all that the optimizer keeps in its shape.

    Args:
        state: the optimizer in PyTorch and Pyro, the ``SVIState`` in NumPyro.
        parameter: its name or, in PyTorch, itself.
        of_value: makes the new value of the one in the optimizer's coordinates.
        of_moment: makes a new moment of the one for each entry.

    Raises:
        ValueError: if there is no parameter of that name.
    """
    if isinstance(parameter, str):
        parameter = _unconstrained(parameter)
    value = of_value(parameter.data)
    for moments in _states_of(parameter, state):
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == parameter.shape:
                moments[name] = of_moment(moment)
    parameter.grad = None
    parameter.data = torch.as_tensor(value).to(parameter)


def _unconstrained(name: str) -> Tensor:
    store = pyro.get_param_store()
    if name not in store:
        raise ValueError(
            f"expected the name of a parameter, one of {sorted(store)}; got {name!r}"
        )
    parameter: Any = store[name]
    return parameter.unconstrained()


def _states_of(parameter: Tensor, state: PyroOptim | Optimizer) -> Iterator[dict]:
    if isinstance(state, PyroOptim):
        yield from _loaded_states(parameter, state)
    optimizers = state.optim_objs.values() if isinstance(state, PyroOptim) else [state]
    for optimizer in optimizers:
        states = getattr(optimizer, "optimizer", optimizer).state  # of a scheduler
        if parameter in states:
            yield states[parameter]


def _loaded_states(parameter: Tensor, state: PyroOptim) -> Iterator[dict]:
    """What has been loaded, which waits for the first step; copied, if another's."""
    name = pyro.get_param_store().param_name(parameter)
    waiting = waiting_states(state)
    if name in waiting:
        waiting[name] = loaded = deepcopy(waiting[name])
        yield from loaded.get("optimizer", loaded)["state"].values()
