"""How the variance of a gradient changes with the weights of its factors."""

from typing import cast

import torch
from torch import Tensor


def dot(factors: list[Tensor], weights: list[Tensor]) -> Tensor:
    """The sum of the products.

    Args:
        factors: of elements of plates.
        weights: alike.
    """
    pairs = zip(factors, weights, strict=True)
    return cast(Tensor, sum((f * w).sum() for f, w in pairs))


def slopes_of_variance(
    surrogate: Tensor, parameters: list[Tensor], weights: list[Tensor]
) -> tuple[Tensor, ...]:
    """Slopes, in the weights, of the squared norm of the gradient in the parameters.

    In NumPyro after that gradient and the ELBO.

    Args:
        surrogate: of which the gradient is taken; in NumPyro a function.
        parameters: of the guide in Pyro, of both programs in NumPyro.
        weights: of the factors.
    """
    gradient = torch.autograd.grad(
        surrogate, parameters, create_graph=True, materialize_grads=True
    )
    square = cast(Tensor, sum((g**2).sum() for g in gradient))
    return torch.autograd.grad(square, weights, materialize_grads=True)
