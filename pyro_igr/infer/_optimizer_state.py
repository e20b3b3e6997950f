"""Parameters in training and their moments, changed together."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pyro
from pyro.optim import PyroOptim
from torch import Tensor
from torch.optim import LBFGS, Optimizer

from pyro_igr._host import waiting_states
from pyro_igr._numerics.tensors import as_tensor

MOMENTS = (
    "expected an optimizer whose moments have the shape of {}, as those of Adam: it "
    "keeps others, which would not fit"
)


def change(
    state: PyroOptim | Optimizer,
    changes: Mapping[Any, tuple[Callable, Callable]],
) -> None:
    """Changes parameters as a whole, and the moments that an optimizer has of them.

    Args:
        state: the optimizer in PyTorch and Pyro, the ``SVIState`` in NumPyro.
        changes: for each parameter, given by its name or, in PyTorch, itself, two
            functions: of its value in the optimizer's coordinates, to the new one; and
            of a moment of that shape, to the new moment.

    Raises:
        ValueError: if there is no parameter of that name, or if the optimizer keeps
            moments of another shape.
    """
    found = [(_tensor_of(name), *functions) for name, functions in changes.items()]
    values = [new_value(x.data) for x, new_value, _ in found]  # which may refuse
    for name, (parameter, *_) in zip(changes, found, strict=True):
        _check_moments(name, parameter, state)
    for (parameter, _, new_moment), value in zip(found, values, strict=True):
        _set(state, parameter, value, new_moment)


def check_dim(shape: tuple[int, ...], dim: int) -> None:
    """Raises unless a parameter has a dimension.

    Args:
        shape: of the parameter.
        dim: the dimension, counted from the left or, negative, from the right.

    Raises:
        ValueError: if it has not.
    """
    if not -len(shape) <= dim < len(shape):
        raise ValueError(
            f"expected dim to be one of the {len(shape)} dimensions of a parameter, "
            f"got {dim}"
        )


def _check_moments(
    name: Tensor | str, parameter: Tensor, state: PyroOptim | Optimizer
) -> None:
    states = _states_of(parameter, state)
    kept = [x for moments in states for x in moments.values()]
    moments = [x for x in kept if isinstance(x, Tensor) and x.numel() > 1]
    # LBFGS keeps those of all parameters in a row, with the first of them.
    is_flat = any(isinstance(x, LBFGS) and x.state for x in _optimizers(state))
    if is_flat or any(x.shape != parameter.shape for x in moments):
        named = name if isinstance(name, str) else "a parameter"
        raise ValueError(MOMENTS.format(named))


def _set(
    state: PyroOptim | Optimizer, parameter: Tensor, value: Tensor, new_moment: Callable
) -> None:
    for moments in _states_of(parameter, state):
        for name, moment in moments.items():
            if isinstance(moment, Tensor) and moment.shape == parameter.shape:
                moments[name] = new_moment(moment)
    parameter.grad = None
    parameter.data = as_tensor(value).to(parameter)


def _tensor_of(name: Tensor | str) -> Tensor:
    if isinstance(name, Tensor):
        return name
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
    for optimizer in _optimizers(state):
        if parameter in optimizer.state:
            yield optimizer.state[parameter]


def _optimizers(state: PyroOptim | Optimizer) -> list[Any]:
    every = state.optim_objs.values() if isinstance(state, PyroOptim) else [state]
    return [getattr(x, "optimizer", x) for x in every]  # of a scheduler


def _loaded_states(parameter: Tensor, state: PyroOptim) -> Iterator[dict]:
    """What has been loaded, which waits for the first step; copied, if another's."""
    name = pyro.get_param_store().param_name(parameter)
    waiting = waiting_states(state)
    if name in waiting:
        waiting[name] = loaded = deepcopy(waiting[name])
        yield from loaded.get("optimizer", loaded)["state"].values()
