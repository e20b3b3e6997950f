"""The image of a map, as a support."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions.constraints import Constraint
from numpyro.distributions.transforms import Transform, biject_to


class image(Constraint):
    r"""The image :math:`g(\mathbb{R}^{K-1})` of a map that does not fill its space.

    ``transform`` answers ``contains(value)``, with a tolerance of the square root of
    the dtype's precision. ``biject_to`` returns the map itself, so that a sampler
    never leaves the support.

    Args:
        transform: the map, a :class:`~numpyro.distributions.transforms.Transform`.
    """

    is_discrete = False
    event_dim = 1

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __call__(self, x: Array) -> Array:
        return self.transform.contains(x)

    def __repr__(self) -> str:
        return f"image({type(self.transform).__name__})"

    def feasible_like(self, prototype: Array) -> Array:
        shape = self.transform.inverse_shape(jnp.shape(prototype))
        return self.transform(jnp.zeros(shape, jnp.result_type(prototype, float)))

    def tree_flatten(self) -> tuple:
        return (self.transform,), (("transform",), {})

    def eq(self, other: object, static: bool = False) -> ArrayLike:
        return isinstance(other, image) and self.transform.eq(other.transform, static)


@biject_to.register(image)
def _map_onto_image(constraint: image) -> Transform:
    return constraint.transform
