"""DReG, the doubly reparameterized gradient: paths count by squared weights.

In the plain gradient of the bound, the path through a sample counts by its normalized
weight w, and beside it stands the score of log q. With a the scale of log q relative to
that of the element, the score has the same mean as :math:`-a (w - w^2)` of the path. So
it is left out, and the path counts by :math:`w (1 - a (1 - w))`: by :math:`w^2` where
scales are equal.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jax import Array

from numpyro_igr.handlers._site_weights import total_mask
from numpyro_igr.infer.discrete_iwae._elements import Frames, names_and_dims

Gradient = Literal["plain", "doubly reparameterized"]
DEPENDS = (
    "expected the distribution of the guide at site '{}' not to depend on samples of "
    "others: its part of a doubly reparameterized gradient is not known, use "
    "gradient='plain'"
)


def check_gradient(gradient: Gradient) -> None:
    """Raises unless it is the name of a gradient.

    Args:
        gradient: the name.
    """
    if gradient not in get_args(Gradient):
        raise ValueError(
            f"expected gradient to be one of {get_args(Gradient)}, got {gradient!r}"
        )


def check_independent(dependent: Sequence[str]) -> None:
    """Raises if there are relaxed sites of a guide that depend on samples of others.

    Args:
        dependent: their names.
    """
    if dependent:
        raise ValueError(DEPENDS.format(dependent[0]))


class Paths(NamedTuple):
    """What paths through the relaxed samples count by.

    Args:
        plates: within which these samples are drawn.
        weights: of one sample in each element, or None for 1.
        scale: of each element.
    """

    plates: Frames
    weights: Array | None = None
    scale: Any = 1.0


def factor_of(site: dict, paths: Paths) -> Array:
    """What the path through a relaxed sample is multiplied by.

    Args:
        site: the message of the sample.
        paths: with weights.
    """
    dist, dims = site["fn"], names_and_dims(paths.plates)[1]
    of_element = _spread(paths.scale, dims, len(dist.batch_shape))
    scale = 1.0 if site["scale"] is None else site["scale"]
    events = (..., *[None] * dist.event_dim)
    share = jnp.asarray(scale / of_element)[events]
    mask = jnp.asarray(total_mask(site))[..., None]
    weights = _spread(paths.weights, dims, len(dist.batch_shape))[events]
    return 1 - share * mask * (1 - weights)


@jax.custom_vjp
def scale_gradient(x: Array, factor: Array) -> Array:
    """The same value, with a multiple of its gradient.

    Args:
        x: any array.
        factor: of the gradient.
    """
    return x


def _forward(x: Array, factor: Array) -> tuple[Array, Array]:
    return x, factor


def _backward(factor: Array, gradient: Array) -> tuple[Array, Array]:
    return factor.astype(gradient.dtype) * gradient, jnp.zeros_like(factor)


scale_gradient.defvjp(_forward, _backward)


def _spread(x: Any, plates: tuple[int, ...], nesting: int) -> Array:
    """Puts the dimensions of plates where they are in a batch."""
    if jnp.ndim(x) == 0:
        return jnp.asarray(x)
    shape = [1] * nesting
    for dim, size in zip(plates, x.shape, strict=True):
        shape[dim] = size
    return x.reshape(shape)
