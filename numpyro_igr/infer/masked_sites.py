"""What a guide draws where its model masks a site: the values of the model."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import (
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
    Normal,
)

from numpyro_igr.distributions.pushforward import GaussianPushforward


def mask_of(site: dict) -> ArrayLike | None:
    """The mask over the batch of the innermost distribution; None without one.

    Args:
        site: of a trace, or a message.
    """
    distribution, mask = site["fn"], None
    while isinstance(
        distribution, Independent | MaskedDistribution | ExpandedDistribution
    ):
        if isinstance(distribution, MaskedDistribution):
            own = distribution._mask
            mask = own if mask is None else mask & own
        elif isinstance(distribution, Independent) and mask is not None:
            mask = _with_dims(mask, distribution.reinterpreted_batch_ndims)
        distribution = distribution.base_dist
    return mask


def outside_mask(
    mask: ArrayLike | None, like: Distribution, loc: Array, scale: ArrayLike
) -> tuple[Array, ArrayLike]:
    """A mean and a standard deviation, those of the model where a site is masked.

    There the site costs nothing, and free parameters would go wherever they explain
    the data best: the bound would exceed the evidence. Of other distributions than
    ``Normal`` and the relaxed ones the parameters stay.

    Args:
        mask: over the batch of ``like``.
        like: the distribution that the model has.
        loc: the mean of the guide.
        scale: its standard deviation.
    """
    if mask is None or not isinstance(like, GaussianPushforward | Normal):
        return loc, scale
    mask = _with_dims(mask, like.event_dim)
    return jnp.where(mask, loc, like.loc), jnp.where(mask, scale, like.scale)


def _with_dims(mask: ArrayLike, number: int) -> Array:
    return jnp.reshape(mask, jnp.shape(mask) + (1,) * number)
