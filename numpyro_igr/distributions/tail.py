"""The laws of the sticks of a countable law: those given, and those of its tail."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution, Normal

from numpyro_igr.distributions.gem import GEM


def stick_logit(loc: Array, scale: Array, temperature: ArrayLike) -> Normal:
    r"""The law of :math:`y / \tau` for Gaussian y, the logit of a stick.

    Shape: ``loc``, ``scale``: ``batch + (n,)``; ``temperature``: ``batch``.
    """
    tau = jnp.expand_dims(temperature, -1)
    return Normal(loc / tau, scale / tau, validate_args=False)


def tail_stick(tail: Distribution | None, temperature: ArrayLike) -> Distribution:
    """The law of the logit of each stick of a tail, of shape ``batch + (1,)``.

    Args:
        tail: a law of y, None for N(0, 1), or a GEM, a law of sticks.
        temperature: of the sticks of y, of shape ``batch``.
    """
    if isinstance(tail, GEM):
        return tail.stick()
    if tail is None:
        tail = Normal(validate_args=False)
    loc, scale = jnp.expand_dims(tail.loc, -1), jnp.expand_dims(tail.scale, -1)
    return stick_logit(loc, scale, temperature)


def with_batch_of(tail: Distribution | None, rho: ArrayLike) -> ArrayLike:
    """``rho``, with the batch dimensions of the tail.

    Raises:
        ValueError: if ``tail`` is no law of sticks.
    """
    if tail is None:
        return rho
    if not isinstance(tail, Normal | GEM):
        raise ValueError(
            f"expected tail to be None, a Normal or a GEM, got {type(tail).__name__}"
        )
    shape = jnp.broadcast_shapes(jnp.shape(rho), tail.batch_shape)
    return rho if shape == jnp.shape(rho) else jnp.broadcast_to(rho, shape)
