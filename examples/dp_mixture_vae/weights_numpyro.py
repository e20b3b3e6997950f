"""The sticks of a Dirichlet process, in model and guide, and their weights."""

import jax.numpy as jnp
import numpyro
from jax import Array
from numpyro.distributions import Beta, Distribution

from examples.dp_mixture_vae.sticks import nearest_gaussian
from numpyro_igr import GEM, InfiniteIGR, Kumaraswamy

TINY = jnp.finfo(jnp.float32).tiny


def make_prior(family: str, concentration: Array, num_sticks: int) -> Distribution:
    """The stick-breaking prior of a Dirichlet process."""
    if family == "igr-sb":
        return GEM(concentration, num_sticks)
    sticks = jnp.ones(num_sticks)
    return Beta(sticks, concentration * sticks).to_event(1)


def make_posterior(
    family: str, parameters: Array, concentration: Array, start: float
) -> Distribution:
    """The distribution of sticks with these parameters, the prior at zero.

    Args:
        family: "igr-sb" or "dldpmm".
        parameters: With shape `batch + (2, num_sticks)`.
        concentration: Of the prior.
        start: The concentration that zero parameters mean.
    """
    first, second = parameters[..., 0, :], parameters[..., 1, :]
    if family == "igr-sb":
        loc, scale, _ = nearest_gaussian(start)
        tail = GEM(concentration, 1)
        return InfiniteIGR(None, loc + first, scale * jnp.exp(second), 1.0, tail=tail)
    return Kumaraswamy(jnp.exp(first), start * jnp.exp(second)).to_event(1)


def sample_weights(sticks: Distribution) -> Array:
    """Weights from the site "sticks", whose value may be the sticks themselves."""
    return to_weights(sticks, numpyro.sample("sticks", sticks))


def to_weights(sticks: Distribution, value: Array) -> Array:
    """The weights that a value of the sticks stands for, none of them zero."""
    if isinstance(sticks, GEM | InfiniteIGR):
        return jnp.clip(value, min=TINY)
    log_left = jnp.log1p(-jnp.clip(value, max=1 - 1e-6)).cumsum(-1)
    none = jnp.zeros_like(log_left[..., :1])
    left = jnp.exp(jnp.concatenate([none, log_left], -1))
    used = jnp.concatenate([value, jnp.ones_like(none)], -1)
    return jnp.clip(left * used, min=TINY)
