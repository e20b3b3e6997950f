"""Capacity that grows while a model trains: more sticks, distributed as the tail."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Normal
from numpyro.infer.svi import SVIState

from numpyro_igr._numerics.checks import check_size
from numpyro_igr.distributions import InfiniteIGR
from numpyro_igr.distributions._nearest_normal import nearest_normal
from numpyro_igr.distributions._tail import tail_stick
from numpyro_igr.infer._optimizer_state import change, check_dim


def tail_start(distribution: InfiniteIGR, num_sticks: int) -> tuple[Array, Array]:
    r"""The ``loc`` and ``scale`` with which further sticks follow the tail.

    For a Normal tail they are those of the tail, so that adding such sticks leaves the
    distribution as it is. The sticks of a GEM are not Gaussian, and these are the
    nearest in KL. The bound loses that KL: .22 nats a stick at a concentration of .1,
    .01 at 1, .066 at 20, and at most .082 beyond.

    Both are differentiable in the concentration of a GEM. In a guide that learns it,
    let each stick follow the tail of the sampled concentration: ``loc + follow *
    tail_loc`` and ``scale * tail_scale``, with a learned ``follow`` that starts at 1.
    Then a stick that no datum has reached carries no information about the
    concentration, while a fixed one would count as if its length had been observed.

    Shape:
        both results ``batch + (num_sticks,)``.

    Args:
        distribution: the distribution that is to get more sticks.
        num_sticks: how many.

    Raises:
        TypeError: if ``num_sticks`` is no integer.
        ValueError: if ``distribution`` is no :class:`InfiniteIGR` or ``num_sticks``
            negative.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import InfiniteIGR, tail_start
        >>> q = InfiniteIGR(0.1, jnp.zeros(3), jnp.ones(3))
        >>> tail_start(q, 2)
        (Array([0., 0.], dtype=float32), Array([1., 1.], dtype=float32))
    """
    if not isinstance(distribution, InfiniteIGR):
        raise ValueError(
            "expected distribution to be an InfiniteIGR, got "
            f"{type(distribution).__name__}"
        )
    check_size(0, num_sticks=num_sticks)
    stick: Any = tail_stick(distribution.tail, distribution.temperature)
    if isinstance(stick, Normal):
        loc, scale = cast(Array, stick.loc), cast(Array, stick.scale)
    else:
        loc, scale = nearest_normal(stick.concentration)
    tau = jnp.expand_dims(distribution.temperature, -1)
    shape = *distribution.batch_shape, num_sticks
    return jnp.broadcast_to(tau * loc, shape), jnp.broadcast_to(tau * scale, shape)


def grow(state: SVIState, start: Mapping[str, Array], dim: int = -1) -> SVIState:
    """Appends entries to parameters in training, and keeps the optimizer's state.

    The moments of the new entries are zero; those of the others and the number of steps
    are kept. If new sticks start at the tail (:func:`tail_start`), a Normal tail leaves
    the bound unchanged up to rounding, and a GEM tail lowers it by a small KL for each.
    In PyTorch and Pyro parameters grow in place. In NumPyro a new state is returned;
    call this outside of jit. Functions of the state are then compiled again, so double
    the capacity rather than add single sticks.

    Args:
        state: the optimizer in PyTorch and Pyro, the ``SVIState`` in NumPyro.
        start: parameter to new entries. A parameter is given by its name or, in
            PyTorch, itself; entries are in the unconstrained coordinates of the
            optimizer: the log of a positive scale.
        dim: the dimension along which to append.

    Returns:
        in NumPyro the new state; in PyTorch and Pyro None, as ``state`` has changed.

    Raises:
        ValueError: if a start does not fit its parameter, or if the optimizer keeps
            moments of another shape than that; then none is changed.

    Example:
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro.infer import SVI, Trace_ELBO
        >>> from numpyro_igr import grow
        >>> def guide():
        ...     numpyro.param("means", jnp.array([3.0, 4.0]))
        >>> svi = SVI(lambda: None, guide, numpyro.optim.Adam(0.1), Trace_ELBO())
        >>> state = grow(svi.init(jax.random.key(0)), {"means": jnp.zeros(1)})
        >>> svi.get_params(state)["means"].tolist()
        [3.0, 4.0, 0.0]
    """
    changes = {}
    for parameter, values in start.items():
        new = jnp.asarray(values)
        append = partial(_append, parameter, new, dim)
        changes[parameter] = append, partial(_pad, new, dim)
    return change(state, changes)


def _append(parameter: str, values: Array, dim: int, x: Array) -> Array:
    _check_fit(parameter, jnp.shape(x), values.shape, dim)
    return jnp.concatenate([x, values.astype(x.dtype)], dim)


def _pad(values: Array, dim: int, x: Array) -> Array:
    return jnp.concatenate([x, jnp.zeros_like(values, x.dtype)], dim)


def _check_fit(
    parameter: str, shape: tuple[int, ...], new: tuple[int, ...], dim: int
) -> None:
    check_dim(shape, dim)
    expected = [*shape]
    if len(new) == len(shape):
        expected[dim] = new[dim]
    if list(new) != expected:
        raise ValueError(
            f"expected the start of {parameter} to have shape {shape} but for "
            f"dimension {dim}, got {new}"
        )
