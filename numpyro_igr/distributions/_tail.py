"""The distributions of countably many sticks: those given, and those of the tail."""

from typing import cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution

from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._typed import Normal
from numpyro_igr.distributions._parameters import to_arrays
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions._stick_logit import StickLogit
from numpyro_igr.distributions.gem import GEM


def given_sticks(
    dist: GaussianPushforward, start: int = 0, stop: int | None = None
) -> Normal:
    r"""The distributions of the logits :math:`y / \tau` of given sticks, Gaussian as y.

    Args:
        dist: a distribution that breaks its sticks at :math:`\sigma(y / \tau)`.
        start: the first stick, counted from 0.
        stop: the stick before which to stop, None for all.
    """
    loc, scale = dist.loc[..., start:stop], dist.scale[..., start:stop]
    return _normal_logit(loc, scale, dist.temperature)


def tail_stick(
    tail: Normal | GEM | None, temperature: ArrayLike
) -> Normal | StickLogit:
    """The distribution of the logit of each stick of a tail, of shape ``batch + (1,)``.

    Args:
        tail: a distribution of y, None for N(0, 1), or a GEM, a distribution of sticks.
        temperature: of the sticks of y, of shape ``batch``.
    """
    if isinstance(tail, GEM):
        return tail.stick()
    if tail is None:
        tail = Normal(validate_args=False)
    loc, scale = jnp.expand_dims(tail.loc, -1), jnp.expand_dims(tail.scale, -1)
    return _normal_logit(loc, scale, temperature)


def draw_logits(
    key: Array,
    tail: Normal | GEM | None,
    temperature: ArrayLike,
    shape: tuple[int, ...],
) -> Array:
    """Logits of independent sticks of a tail, of a shape that ends in their number.

    Args:
        key: the random key.
        tail: a distribution of y, None for N(0, 1), or a GEM, a distribution of sticks.
        temperature: of the sticks of y, of shape ``batch``.
        shape: of the result.
    """
    sticks = tail_stick(tail, temperature).expand(shape)
    return cast(Array, sticks.rsample(key))


def with_batch_of(
    tail: Distribution | None, rho: ArrayLike, **like: ArrayLike
) -> ArrayLike:
    """``rho``, with the batch dimensions of the tail.

    Args:
        tail: a distribution of y, None for N(0, 1), or a GEM, a distribution of sticks.
        rho: the mass to exceed.
        like: ``loc`` and ``scale``, whose dtype a plain number takes.

    Raises:
        ValueError: if ``tail`` is no distribution of sticks.
    """
    if tail is None:
        return rho
    if not isinstance(tail, Normal | GEM):
        raise ValueError(
            f"expected tail to be None, a Normal or a GEM, got {type(tail).__name__}"
        )
    rho = to_arrays(like | {"rho": rho})["rho"]
    shape = jnp.broadcast_shapes(jnp.shape(rho), tail.batch_shape)
    return rho if shape == jnp.shape(rho) else jnp.broadcast_to(rho, shape)


def _normal_logit(loc: Array, scale: Array, temperature: ArrayLike) -> Normal:
    tau = jnp.expand_dims(temperature, -1)
    (loc, scale, tau), _ = in_full_precision(loc, scale, tau)
    return Normal(loc / tau, scale / tau, validate_args=False)
