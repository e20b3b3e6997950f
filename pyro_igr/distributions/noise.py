"""The continuous noise behind a category: drawn, hardened, conditioned, relaxed."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import torch
from pyro.distributions import OneHotCategorical
from torch import Tensor
from torch.nn.functional import pad, softplus

from pyro_igr._numerics.largest import is_first_largest
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.probit import probit_of_log_odds
from pyro_igr._typed import Distribution
from pyro_igr.discrete import (
    gaussians_given_argmax,
    gaussians_given_stick,
    gumbels_given_argmax,
)
from pyro_igr.distributions.recovering import recover
from pyro_igr.transforms import SoftmaxPlusPlusTransform, StickBreakingTransform


class GumbelNoise:
    """Logits plus Gumbel noise; the category is the largest.

    Shape:
        ``log_odds``: ``(2,) + batch + (K,)``; ``y``, ``category``: ``batch + (K,)``.

    Args:
        dist: Gumbel-Softmax, its logarithm, or a one-hot distribution.
        log_odds: log odds of uniform noise, to draw and to draw given the category.
    """

    def __init__(self, dist: Any, log_odds: Tensor) -> None:
        logits = cast(OneHotCategorical, recover(dist)).logits
        (logits,), self.dtype = in_full_precision(logits)
        self.logits: Tensor = finite(logits)
        self.log_odds: Tensor = log_odds
        self.y: Tensor = self.logits - softplus(log_odds[0]).log()
        self.category: Tensor = _first_largest(self.y).to(self.dtype)

    @cached_property
    def y_given_category(self) -> Tensor:
        """The noise drawn anew given its category, which its gradient holds fixed."""
        return gumbels_given_argmax(self.log_odds[1], self.category, self.logits)

    def relax(self, y: Tensor, temperature: Tensor) -> Tensor:
        """The point of the simplex that tends to the category of y."""
        return (y / temperature).softmax(-1).to(self.dtype)


class ArgmaxNoise:
    """The Gaussians of softmax++: the category is the largest of [y, 0].

    Shape:
        ``log_odds``: ``(2,) + batch + (K,)``; ``y``: ``batch + (K-1,)``; ``category``:
        ``batch + (K,)``.

    Args:
        dist: a distribution of softmax++.
        log_odds: log odds of uniform noise, to draw and to draw given the category.
    """

    draw_given: Callable[..., Tensor] = staticmethod(gaussians_given_argmax)

    def __init__(self, dist: Any, log_odds: Tensor) -> None:
        while dist._unexpanded is not None:
            dist = dist._unexpanded
        parameters, self.dtype = in_full_precision(dist.loc, dist.scale)
        self.loc, self.scale = parameters
        self.log_odds: Tensor = log_odds[..., :-1]
        self.y: Tensor = self.loc + self.scale * probit_of_log_odds(self.log_odds[0])
        self.category: Tensor = _first_largest(pad(self.y, (0, 1))).to(self.dtype)

    @cached_property
    def y_given_category(self) -> Tensor:
        """The noise drawn anew given its category, which its gradient holds fixed."""
        return self.draw_given(self.log_odds[1], self.category, self.loc, self.scale)

    def relax(self, y: Tensor, temperature: Tensor) -> Tensor:
        """The point of the simplex that tends to the category of y."""
        z = SoftmaxPlusPlusTransform(temperature, validate_args=False)(y)
        return z.to(self.dtype)


class StickNoise:
    """The Gaussians of sticks: the category is the first with y > 0.

    Shape:
        ``log_odds``: ``(2,) + batch + (K,)``; ``y``: ``batch + (K-1,)``; ``category``:
        ``batch + (K,)``.

    Args:
        dist: a distribution of sticks.
        log_odds: log odds of uniform noise, to draw and to draw given the category.
    """

    draw_given: Callable[..., Tensor] = staticmethod(gaussians_given_stick)

    def __init__(self, dist: Any, log_odds: Tensor) -> None:
        parameters, self.dtype = in_full_precision(dist.loc, dist.scale)
        self.loc, self.scale = parameters
        self.log_odds: Tensor = log_odds[..., :-1]
        self.y: Tensor = self.loc + self.scale * probit_of_log_odds(self.log_odds[0])
        is_right = pad(self.y, (0, 1), value=1.0) > 0
        self.category: Tensor = _first_largest(is_right.to(self.dtype))

    @cached_property
    def y_given_category(self) -> Tensor:
        """The noise drawn anew given its category, which its gradient holds fixed."""
        return self.draw_given(self.log_odds[1], self.category, self.loc, self.scale)

    def relax(self, y: Tensor, temperature: Tensor) -> Tensor:
        """The point of the simplex that tends to the category of y."""
        return StickBreakingTransform(temperature, validate_args=False)(y).to(
            self.dtype
        )


def draw_log_odds(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Log odds of uniform noise, bounded.

    Args:
        shape: of the noise.
        like: an array of its dtype, if that has 32 bits or more.
    """
    (like,), _ = in_full_precision(like)
    uniform = torch.rand(shape, dtype=like.dtype, device=like.device)
    return uniform.logit(eps=torch.finfo(like.dtype).eps)


Noise = GumbelNoise | ArgmaxNoise | StickNoise


def finite(logits: Tensor) -> Tensor:
    """Logits without -inf, for finite derivatives in a temperature.

    Args:
        logits: of categories, impossible ones among them.
    """
    least = -(torch.finfo(logits.dtype).max ** 0.25)
    return logits.clamp(min=least)


def _first_largest(x: Tensor) -> Tensor:
    return is_first_largest(x).to(x)


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
