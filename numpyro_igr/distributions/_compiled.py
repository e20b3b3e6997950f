"""Steps of draws and densities: each one program, even where nothing else is."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, random
from numpyro.distributions import Normal


@partial(jax.jit, static_argnames="shape")
def draw(key: Array, loc: Array, scale: Array, shape: tuple[int, ...]) -> Array:
    """Draws, of an array of this shape."""
    dtype = jnp.result_type(loc, scale, jnp.float32)
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
