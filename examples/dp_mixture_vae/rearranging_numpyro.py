"""Components that are added, moved and given sticks, with the moments of Adam."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.example_libraries import optimizers
from numpy.typing import NDArray
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.sticks import AXES_OF_STICKS, BetaSticks
from numpyro_igr import grow, reorder


def grow_sticks(svi: SVI, state: SVIState, num_sticks: int) -> SVIState:
    """Add sticks at the prior, each with a component like the rest.

    The bound stays what it was but for the price of the sticks: their KL to the prior
    at its nearest Gaussian.

    Args:
        svi: Whose parameters grow.
        state: The parameters, and the moments of Adam: kept, and zero for the new
            parameters.
        num_sticks: How many to add.
    """
    params = svi.get_params(state)
    for name, axis in AXES_OF_STICKS.items():
        shape = list(jnp.shape(params[name]))
        shape[axis] = num_sticks
        state = grow(state, {name: jnp.zeros(shape)}, axis)
    return state


def double_sticks(svi: SVI, state: SVIState, wanted: int | Array) -> SVIState:
    """Doubles the sticks until there are enough."""
    num_sticks = capacity = svi.get_params(state)["breaks"].shape[-1]
    while num_sticks < wanted:
        num_sticks *= 2
    more = num_sticks - capacity
    return grow_sticks(svi, state, more) if more else state


def rearrange(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    order: NDArray,
    sticks: BetaSticks,
    **values: Array,
) -> SVIState:
    """Puts these components first, with these sticks and values, and zeros after."""
    params = svi.get_params(state)
    num_sticks = params["breaks"].shape[AXES_OF_STICKS["breaks"]]
    values["breaks"] = sticks.breaks(num_sticks, options.concentration)
    if "means" in values:
        of_rest = np.zeros((num_sticks - len(order), options.latent_dim))
        values["means"] = np.append(values["means"], of_rest, 0)
    for name, axis in AXES_OF_STICKS.items():
        rest = list(params[name].shape)
        rest[axis] -= len(order)
        state = reorder(state, order, {name: None}, axis)
        state = grow(state, {name: jnp.zeros(rest)}, axis)
        if name in values:
            same = range(params[name].shape[axis])
            state = reorder(state, same, {name: values[name]}, axis)
    # On the device of the others, where functions have been compiled for.
    return jax.device_put(state, params["means"].sharding)


def replace_scores(state: SVIState, weight: Array, bias: Array) -> SVIState:
    """Gives the scores new weights, and leaves the moments of Adam as they are."""
    step, packed = state.optim_state
    points, name = dict(optimizers.unpack_optimizer_state(packed)), "scores$params"
    points[name] = jax.tree.map(
        _with_value, points[name], [(weight, bias)], is_leaf=_is_point
    )
    packed = optimizers.pack_optimizer_state(points)
    return state._replace(optim_state=(step, packed))


def _is_point(x: Any) -> bool:
    return isinstance(x, optimizers.JoinPoint)


def _with_value(point: optimizers.JoinPoint, value: Array) -> optimizers.JoinPoint:
    (_, *moments), structure = jax.tree.flatten(point.subtree)
    values = [jnp.asarray(value, jnp.float32), *moments]
    return optimizers.JoinPoint(jax.tree.unflatten(structure, values))
