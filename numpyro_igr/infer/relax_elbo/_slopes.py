"""How the variance of a gradient changes with the weights of its factors."""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import Array

TWICE = (
    "the loss of TraceRELAX_ELBO has first derivatives only, as its gradient is an "
    "estimate and not the derivative of the loss: take second ones of another objective"
)


def dot(factors: list[Array], weights: list[Array]) -> Array:
    """The sum of products of factors and weights, over sites and elements of plates.

    Args:
        factors: those of :meth:`Particle.factors`.
        weights: as many, of the same shapes.
    """
    pairs = zip(factors, weights, strict=True)
    return cast(Array, sum((f * w).sum() for f, w in pairs))


def slopes_of_variance(
    surrogate: Callable, parameters: dict[str, Any], weights: list[Array]
) -> tuple[dict[str, Any], Array, list[Array]]:
    """Slopes, in the weights, of the squared norm of the gradient in the parameters.

    The mean of that norm is the variance of the gradient, up to a constant. In NumPyro
    the slopes come after that gradient and the ELBO.

    Args:
        surrogate: what the gradient is taken of; in NumPyro a function.
        parameters: of the guide in Pyro, of both programs in NumPyro.
        weights: those of :meth:`ControlVariate.weights`.
    """

    def square(weights: list[Array]) -> tuple:
        gradient, elbo = jax.grad(surrogate, has_aux=True)(parameters, weights)
        squares = [(leaf**2).sum() for leaf in jax.tree.leaves(gradient)]
        return sum(squares, start=jnp.zeros(())), (gradient, elbo)

    slopes, (gradient, elbo) = jax.grad(square, has_aux=True)(weights)
    return gradient, elbo, slopes


@jax.custom_jvp
def with_gradient(
    value: Array, parameters: dict[str, Any], gradient: dict[str, Any]
) -> Array:
    """A value with a gradient in the parameters that is given, and is a constant.

    Args:
        value: without one of its own.
        parameters: of which it is the gradient.
        gradient: of their shapes.

    Raises:
        NotImplementedError: at a second derivative, which would be 0.
    """
    return value


@with_gradient.defjvp
def _with_tangents(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    value, parameters, gradient = primals
    slope, change, _ = tangents
    leaves = map(jax.tree.leaves, (_once(gradient, parameters), change))
    terms = ((g * x).sum() for g, x in zip(*leaves, strict=True))
    return value, jnp.asarray(sum(terms, start=slope), value.dtype)


@jax.custom_jvp
def _once(gradient: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    return gradient


@_once.defjvp
def _twice(primals: tuple, tangents: tuple) -> tuple:
    raise NotImplementedError(TWICE)
