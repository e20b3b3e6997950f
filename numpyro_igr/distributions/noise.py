"""The continuous noise behind a category: drawn, hardened, conditioned, relaxed."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import jax.numpy as jnp
from jax import Array, random
from jax.nn import softmax, softplus
from numpyro.distributions import Distribution

from numpyro_igr._numerics.largest import is_first_largest
from numpyro_igr._numerics.precision import at_least_single, in_full_precision
from numpyro_igr._numerics.probit import probit_of_log_odds
from numpyro_igr.discrete import (
    gaussians_given_argmax,
    gaussians_given_stick,
    gumbels_given_argmax,
)
from numpyro_igr.distributions.one_hot import OneHotCategorical
from numpyro_igr.distributions.recovering import recover
from numpyro_igr.transforms import SoftmaxPlusPlusTransform, StickBreakingTransform


class GumbelNoise:
    """Logits plus Gumbel noise; the category is the largest.

    Shape:
        ``log_odds``: ``(2,) + batch + (K,)``; ``y``, ``category``: ``batch + (K,)``.

    Args:
        dist: Gumbel-Softmax, its logarithm, or a one-hot distribution.
        log_odds: log odds of uniform noise, to draw and to draw given the category.
    """

    def __init__(self, dist: Any, log_odds: Array) -> None:
        logits = cast(OneHotCategorical, recover(dist)).logits
        (logits,), _ = in_full_precision(logits)
        self.logits: Array = finite(logits)
        self.log_odds: Array = log_odds
        self.y: Array = self.logits - jnp.log(softplus(log_odds[0]))
        self.category: Array = _first_largest(self.y)

    @cached_property
    def y_given_category(self) -> Array:
        """The noise drawn anew given its category, which its gradient holds fixed."""
        return gumbels_given_argmax(self.log_odds[1], self.category, self.logits)

    def relax(self, y: Array, temperature: Array) -> Array:
        """The point of the simplex that tends to the category of y."""
        return softmax(y / temperature)


class ArgmaxNoise:
    """The Gaussians of softmax++: the category is the largest of [y, 0].

    Shape:
        ``log_odds``: ``(2,) + batch + (K,)``; ``y``: ``batch + (K-1,)``; ``category``:
        ``batch + (K,)``.

    Args:
        dist: a distribution of softmax++.
        log_odds: log odds of uniform noise, to draw and to draw given the category.
    """

    draw_given: Callable[..., Array] = staticmethod(gaussians_given_argmax)

    def __init__(self, dist: Any, log_odds: Array) -> None:
        parameters, _ = in_full_precision(dist.loc, dist.scale)
        self.loc, self.scale = parameters
        self.log_odds: Array = log_odds[..., :-1]
        self.y: Array = self.loc + self.scale * probit_of_log_odds(self.log_odds[0])
        self.category: Array = _first_largest(_append(self.y, 0.0))

    @cached_property
    def y_given_category(self) -> Array:
        """The noise drawn anew given its category, which its gradient holds fixed."""
        return self.draw_given(self.log_odds[1], self.category, self.loc, self.scale)

    def relax(self, y: Array, temperature: Array) -> Array:
        """The point of the simplex that tends to the category of y."""
        return SoftmaxPlusPlusTransform(temperature, validate_args=False)(y)


class StickNoise:
    """The Gaussians of sticks: the category is the first with y > 0.

    Shape:
        ``log_odds``: ``(2,) + batch + (K,)``; ``y``: ``batch + (K-1,)``; ``category``:
        ``batch + (K,)``.

    Args:
        dist: a distribution of sticks.
        log_odds: log odds of uniform noise, to draw and to draw given the category.
    """

    draw_given: Callable[..., Array] = staticmethod(gaussians_given_stick)

    def __init__(self, dist: Any, log_odds: Array) -> None:
        parameters, _ = in_full_precision(dist.loc, dist.scale)
        self.loc, self.scale = parameters
        self.log_odds: Array = log_odds[..., :-1]
        self.y: Array = self.loc + self.scale * probit_of_log_odds(self.log_odds[0])
        is_stick = (_append(self.y, 1.0) > 0).astype(self.y.dtype)
        self.category: Array = _first_largest(is_stick)

    @cached_property
    def y_given_category(self) -> Array:
        """The noise drawn anew given its category, which its gradient holds fixed."""
        return self.draw_given(self.log_odds[1], self.category, self.loc, self.scale)

    def relax(self, y: Array, temperature: Array) -> Array:
        """The point of the simplex that tends to the category of y."""
        return StickBreakingTransform(temperature, validate_args=False)(y)


def draw_log_odds(key: Array, shape: tuple[int, ...], like: Array) -> Array:
    """Log odds of uniform noise, bounded.

    Args:
        key: the random key.
        shape: of the noise.
        like: an array of its dtype, if that has 32 bits or more.
    """
    (like,), _ = in_full_precision(like)
    most = -jnp.log(jnp.finfo(like.dtype).eps)
    return jnp.clip(random.logistic(key, shape, like.dtype), -most, most)


Noise = GumbelNoise | ArgmaxNoise | StickNoise


def _append(y: Array, last: float) -> Array:
    return jnp.concatenate([y, jnp.full_like(y[..., :1], last)], -1)


def finite(logits: Array) -> Array:
    """Logits without -inf, for finite derivatives in a temperature.

    Args:
        logits: of categories, impossible ones among them.
    """
    least = -(jnp.finfo(logits.dtype).max ** 0.25)
    return jnp.maximum(logits, least)


def _first_largest(x: Array) -> Array:
    return is_first_largest(x).astype(at_least_single(x))


def without_noise(dist: Distribution) -> str:
    """What an error says of a distribution that cannot be drawn given its category.

    Args:
        dist: without the wrappers of the host.
    """
    tempering = getattr(dist, "tempering", None)
    suffix = f' with tempering "{tempering}"' if tempering else ""
    return (
        f"got {type(dist).__name__}{suffix}: use IGR, "
        'IGRStickBreaking with tempering "sticks", or Gumbel-Softmax'
    )
