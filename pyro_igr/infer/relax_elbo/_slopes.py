"""How the variance of a gradient changes with the weights of its factors."""

from typing import cast

import torch
from torch import Tensor


def dot(factors: list[Tensor], weights: list[Tensor]) -> Tensor:
    """The sum of products of factors and weights, over sites and elements of plates.

    Args:
        factors: those of :meth:`Particle.factors`.
        weights: as many, of the same shapes.
    """
    pairs = zip(factors, weights, strict=True)
    return cast(Tensor, sum((f * w).sum() for f, w in pairs))


def slopes_of_variance(
    surrogate: Tensor, parameters: list[Tensor], weights: list[Tensor]
) -> tuple[Tensor, ...]:
    """Slopes, in the weights, of the squared norm of the gradient in the parameters.

    The mean of that norm is the variance of the gradient, up to a constant. In NumPyro
    the slopes come after that gradient and the ELBO.

    Args:
        surrogate: what the gradient is taken of; in NumPyro a function.
        parameters: of the guide in Pyro, of both programs in NumPyro.
        weights: those of :meth:`ControlVariate.weights`.
    """
    gradient = torch.autograd.grad(
        surrogate, parameters, create_graph=True, materialize_grads=True
    )
    square = cast(Tensor, sum((g**2).sum() for g in gradient))
    return torch.autograd.grad(square, weights, materialize_grads=True)
