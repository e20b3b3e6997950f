"""How the variance of a gradient changes with the weights of its factors."""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import Array


def dot(factors: list[Array], weights: list[Array]) -> Array:
    """The sum of the products.

    Args:
        factors: of elements of plates.
        weights: alike.
    """
    pairs = zip(factors, weights, strict=True)
    return cast(Array, sum((f * w).sum() for f, w in pairs))


def slopes_of_variance(
    surrogate: Callable, parameters: dict[str, Any], weights: list[Array]
) -> tuple[dict[str, Any], Array, list[Array]]:
    """Slopes, in the weights, of the squared norm of the gradient in the parameters.

    In NumPyro after that gradient and the ELBO.

    Args:
        surrogate: of which the gradient is taken; in NumPyro a function.
        parameters: of the guide in Pyro, of both programs in NumPyro.
        weights: of the factors.
    """

    def square(weights: list[Array]) -> tuple:
        gradient, elbo = jax.grad(surrogate, has_aux=True)(parameters, weights)
        squares = [(leaf**2).sum() for leaf in jax.tree.leaves(gradient)]
        return sum(squares, start=jnp.zeros(())), (gradient, elbo)

    slopes, (gradient, elbo) = jax.grad(square, has_aux=True)(weights)
    return gradient, elbo, slopes
