"""Parameters in training and their moments, changed together."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.example_libraries import optimizers
from jax.tree_util import DictKey
from numpyro.infer.svi import SVIState

MOMENTS = (
    "expected an optimizer whose moments have the shape of {}, as those of Adam: it "
    "keeps others, which would not fit"
)


def change(
    state: SVIState, changes: Mapping[Any, tuple[Callable, Callable]]
) -> SVIState:
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
    step, inner = state.optim_state
    is_packed = isinstance(inner, optimizers.OptimizerState)
    change_one: Callable = _change_packed if is_packed else _change_optax
    for name, functions in changes.items():
        inner = change_one(inner, name, *functions)
    return state._replace(optim_state=(step, inner))


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


def _change_packed(
    packed: optimizers.OptimizerState,
    name: str,
    new_value: Callable,
    new_moment: Callable,
) -> optimizers.OptimizerState:
    """In an optimizer of the host: by parameter, its value and then its moments."""
    points = dict(optimizers.unpack_optimizer_state(packed))
    (value, *moments), structure = jax.tree.flatten(_find(name, points).subtree)
    leaves = [_changed(new_value, value)]
    leaves += [_if_alike(name, new_moment, value, moment) for moment in moments]
    points[name] = optimizers.JoinPoint(jax.tree.unflatten(structure, leaves))
    return optimizers.pack_optimizer_state(points)


def _change_optax(
    state: tuple[dict, Any], name: str, new_value: Callable, new_moment: Callable
) -> tuple[dict, Any]:
    """In one of optax: the parameters, and moments under the same names."""
    if not isinstance(state[0], Mapping):  # all parameters in a row
        raise ValueError(MOMENTS.format(name))
    value = _find(name, state[0])

    def change_own(path: tuple, moment: Array) -> Array:
        is_own = DictKey(name) in path
        return _if_alike(name, new_moment, value, moment) if is_own else moment

    params = {**state[0], name: _changed(new_value, value)}
    return params, jax.tree.map_with_path(change_own, state[1])


def _changed(new_value: Callable, value: Array) -> Array:
    return jnp.asarray(new_value(value), value.dtype)


def _if_alike(name: str, new_moment: Callable, value: Array, moment: Array) -> Array:
    """A moment with an entry for each of the value, changed, or a number for all."""
    if jnp.shape(moment) == jnp.shape(value):
        return _changed(new_moment, moment)
    if jnp.size(moment) > 1:
        raise ValueError(MOMENTS.format(name))
    return moment


def _find(name: str, params: Mapping) -> Any:
    if name not in params:
        raise ValueError(
            f"expected the name of a parameter, one of {sorted(params)}; got {name!r}"
        )
    return params[name]
