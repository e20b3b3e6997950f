"""Capacity that grows while a model trains: more sticks, at the law of the tail."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.example_libraries import optimizers
from jax.tree_util import DictKey
from numpyro.distributions import Normal
from numpyro.infer.svi import SVIState

from numpyro_igr.distributions import InfiniteIGR
from numpyro_igr.distributions._nearest_normal import nearest_normal
from numpyro_igr.distributions._tail import tail_stick


def tail_start(law: InfiniteIGR, num_sticks: int) -> tuple[Array, Array]:
    r"""The ``loc`` and ``scale`` with which further sticks follow the tail of a law.

    Of a Normal tail they are its own, so that a law with these sticks more is the same
    law. A GEM has no Gaussian sticks: these are the nearest. The bound loses their KL
    to it, the least there is: .22 nats a stick at a concentration of .1, .01 at 1,
    .066 at 20 and never more than .082 beyond.

    Shape: both results ``batch + (num_sticks,)``.

    Args:
        law: the law that is to get more sticks.
        num_sticks: how many.

    Raises:
        ValueError: if ``law`` is no :class:`InfiniteIGR` or ``num_sticks`` negative.
    """
    if not isinstance(law, InfiniteIGR) or num_sticks < 0:
        raise ValueError(
            "expected law to be an InfiniteIGR and num_sticks not to be negative, got "
            f"{type(law).__name__} and {num_sticks}"
        )
    stick = tail_stick(law.tail, law.temperature)
    if isinstance(stick, Normal):
        loc, scale = stick.loc, stick.scale
    else:
        loc, scale = nearest_normal(stick.concentration)
    tau, shape = jnp.expand_dims(law.temperature, -1), (*law.batch_shape, num_sticks)
    return jnp.broadcast_to(tau * loc, shape), jnp.broadcast_to(tau * scale, shape)


def grow(state: SVIState, start: Mapping, dim: int = -1) -> SVIState:
    """Appends entries to parameters in training, and keeps the optimizer's state.

    The moments of the new entries are zero, those of the others and the number of
    steps stay. With sticks that start at the tail (:func:`tail_start`) the bound is
    what it was, to rounding, if that is a Normal; a GEM takes the KL of each. In
    PyTorch and Pyro parameters grow in place; in NumPyro a new state is returned,
    outside of jit: what takes it is compiled once again, so double the capacity.

    Args:
        state: the optimizer in PyTorch and Pyro, the ``SVIState`` in NumPyro.
        start: what to append, by parameter: its name or, in PyTorch, itself. In the
            unconstrained coordinates of the optimizer: the log of a positive scale.
        dim: the dimension along which to append.

    Raises:
        ValueError: if a start does not fit its parameter.
    """
    step, moments = state.optim_state
    if isinstance(moments, optimizers.OptimizerState):
        grown = _grow_packed(moments, start, dim)
    else:
        grown = _grow_optax(moments, start, dim)
    return state._replace(optim_state=(step, grown))


def _grow_packed(
    packed: optimizers.OptimizerState, start: Mapping, dim: int
) -> optimizers.OptimizerState:
    """The optimizers of the host: by parameter, its value and then its moments."""
    points = dict(optimizers.unpack_optimizer_state(packed))
    for name, values in start.items():
        (value, *moments), structure = jax.tree.flatten(_find(name, points).subtree)
        grown = [_append(name, value, values, dim)]
        grown += [_pad(moment, value, values, dim) for moment in moments]
        points[name] = optimizers.JoinPoint(jax.tree.unflatten(structure, grown))
    return optimizers.pack_optimizer_state(points)


def _grow_optax(state: tuple[dict, Any], start: Mapping, dim: int) -> tuple[dict, Any]:
    """The optimizers of optax: the parameters, and moments that repeat their names."""
    params, moments = dict(state[0]), state[1]
    for name, values in start.items():
        value = _find(name, params)
        params[name] = _append(name, value, values, dim)
        moments = _pad_named(moments, name, value, values, dim)
    return params, moments


def _pad_named(moments: Any, name: str, value: Array, values: Array, dim: int) -> Any:
    def pad(path: tuple, moment: Array) -> Array:
        is_own = DictKey(name) in path
        return _pad(moment, value, values, dim) if is_own else moment

    return jax.tree.map_with_path(pad, moments)


def _find(name: str, params: Mapping) -> Any:
    if name not in params:
        raise ValueError(
            f"expected the name of a parameter, one of {sorted(params)}; got {name!r}"
        )
    return params[name]


def _append(name: str, value: Array, values: Array, dim: int) -> Array:
    shape, new = jnp.shape(value), jnp.shape(values)
    expected = [*shape]
    if len(new) == len(shape):
        expected[dim] = new[dim]
    if list(new) != expected:
        raise ValueError(
            f"expected the start of {name} to have shape {shape} but for "
            f"dimension {dim}, got {new}"
        )
    return jnp.concatenate([value, jnp.asarray(values, value.dtype)], dim)


def _pad(moment: Array, value: Array, values: Array, dim: int) -> Array:
    """Zeros at the new entries of a moment, if it has one for each of the others."""
    if jnp.shape(moment) != jnp.shape(value):
        return moment
    return jnp.concatenate([moment, jnp.zeros_like(values, moment.dtype)], dim)
