"""Steps of draws and densities, each compiled, also where nothing else is."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, random
from jax.nn import one_hot
from numpyro.distributions import Normal

from numpyro_igr._numerics.precision import at_least_single, in_full_precision
from numpyro_igr.distributions._categorical_logits import is_possible


@partial(jax.jit, static_argnames="shape")
def draw(key: Array, loc: Array, scale: Array, shape: tuple[int, ...]) -> Array:
    """Draws, of an array of this shape."""
    dtype = at_least_single(loc, scale)
    return loc + scale * random.normal(key, shape, dtype)


@jax.jit
def or_mean(y: Array, loc: Array) -> tuple[Array, Array]:
    """Whether a point is finite, and the point, or the mean where it is not."""
    inside = jnp.isfinite(y).all(-1)
    return inside, jnp.where(inside[..., None], y, loc)


@jax.jit
def log_prob_at(
    inside: Array, y: Array, loc: Array, scale: Array, log_det: Array
) -> Array:
    """The log density of what Gaussians y are mapped to, -inf outside of the image."""
    gaussian = Normal(loc, scale, validate_args=False).log_prob(y).sum(-1)
    return jnp.where(inside, gaussian - log_det, -jnp.inf)


@partial(jax.jit, static_argnames="shape")
def draw_one_hot(key: Array, logits: Array, shape: tuple[int, ...]) -> Array:
    """Draws of one category each, of a batch of this shape."""
    # Noise in half precision has ties, which the first of many categories would win.
    (full,), dtype = in_full_precision(logits)
    index = random.categorical(key, full, shape=shape)
    return one_hot(index, logits.shape[-1], dtype=dtype)


@jax.jit
def log_prob_of_one_hot(value: Array, logits: Array) -> Array:
    """The log probability of a category, -inf if it has no probability."""
    index = jnp.expand_dims(jnp.argmax(value, -1), -1)
    shape = jnp.broadcast_shapes(value.shape, logits.shape)
    logits = jnp.broadcast_to(logits, shape)
    index = jnp.broadcast_to(index, (*shape[:-1], 1))
    log_prob = jnp.take_along_axis(logits, index, -1)[..., 0]
    return jnp.where(is_possible(log_prob), log_prob, -jnp.inf)
