"""What a guide draws where its model masks a site: the values of the model."""

from typing import cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution, Normal

from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.handlers._site_weights import Mask


def outside_mask(
    mask: Mask, like: Distribution, loc: Array, scale: ArrayLike
) -> tuple[Array, ArrayLike]:
    """A mean and a standard deviation, those of the model where a site is masked.

    There the site costs nothing, and free parameters would go wherever they explain
    the data best: the bound would exceed the evidence. Of other distributions than
    ``Normal`` and the relaxed ones the parameters stay.

    Args:
        mask: over the batch of ``like``; True for none.
        like: the distribution that the model has.
        loc: the mean of the guide.
        scale: its standard deviation.
    """
    if mask is True or not isinstance(like, GaussianPushforward | Normal):
        return loc, scale
    mask = _with_dims(mask, like.event_dim)
    its_loc, its_scale = cast(Array, like.loc), cast(Array, like.scale)
    return jnp.where(mask, loc, its_loc), jnp.where(mask, scale, its_scale)


def _with_dims(mask: Mask, number: int) -> Array:
    return jnp.reshape(mask, jnp.shape(mask) + (1,) * number)
