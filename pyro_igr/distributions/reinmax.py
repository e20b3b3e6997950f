"""ReinMax: one-hot samples with gradients of second order."""

from collections.abc import Sequence
from typing import ClassVar, Self, cast

from torch import Size, Tensor
from torch.distributions import constraints

from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr.discrete import reinmax
from pyro_igr.distributions._categorical_logits import (
    categorical_logits,
    with_temperature,
)
from pyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient


class OneHotCategoricalReinMax(OneHotWithGradient):
    r"""One-hot samples with gradients of second order in the logits: ReinMax.

    .. math::
        z = D + (x - \text{stop\_gradient}(x)), \qquad
        P(D = e_k) = p_k = \text{softmax}(\text{logits})_k

    with x as in :func:`reinmax`. The value is exactly one-hot, and its gradient is the
    straight-through gradient, corrected by Heun's method. At temperature 1 it is
    unbiased if the likelihood is quadratic in z; otherwise it is biased.

    :func:`recover` returns its ``OneHotCategorical``, whose exact KL
    ``TraceDiscreteKL_ELBO`` and ``TraceMeanField_ELBO`` take. The log-probability is
    linear in the value, as in :class:`ExpectedOneHotCategorical`. So a Monte-Carlo ELBO
    has the gradient of the KL too, if the prior is also of this family: through the
    log-probability of ``OneHotCategorical`` no gradient reaches the value.

    Shape:
        ``probs``, ``logits`` and value: ``batch + (K,)``; ``temperature``: ``batch`` or
        a plain number.
    Units:
        Log-probabilities, entropy and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`, of the gradient alone; 1 for the second order.
        probs: probabilities of the K categories.
        logits: log probabilities up to a constant, instead of ``probs``.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: unless exactly one of ``probs`` and ``logits`` is given, if shapes
            do not broadcast or, under validation, if a parameter is out of range.

    Accuracy:
        The mean gradient of a quadratic function is exact to 1e-10 in float64 at
        temperature 1. In float32 gradients are finite at temperature 0.01 and K = 1000.
    Source:
        Liu, Dong, Liu, Yu and Gao (2023), algorithm 2.

    Example:
        >>> import torch
        >>> from pyro_igr import OneHotCategoricalReinMax
        >>> logits = torch.zeros(3, requires_grad=True)
        >>> z = OneHotCategoricalReinMax(1.0, logits=logits).rsample()
        >>> sorted(z.tolist())
        [0.0, 0.0, 1.0]
        >>> z.requires_grad
        True
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "temperature": constraints.positive,
        "logits": constraints.real_vector,
    }
    temperature: Tensor

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        *,
        validate_args: bool | None = None,
    ) -> None:
        if validate_args is not None:
            self._validate_args = validate_args
        logits = categorical_logits(probs, logits, self)
        self.temperature, logits = with_temperature(temperature, logits)
        super().__init__(logits=logits, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Self | None = None) -> Self:
        family = OneHotCategoricalReinMax
        new = cast(Self, self._get_checked_instance(family, _instance))
        new.temperature = self.temperature.expand(batch_shape)
        return cast(Self, super().expand(Size(batch_shape), new))

    @staticmethod
    def infer_shapes(
        temperature: Size, probs: Size | None = None, logits: Size | None = None
    ) -> tuple[Size, Size]:
        shape = cast(Size, logits if probs is None else probs)
        return broadcast_shapes(temperature, shape[:-1]), shape[-1:]

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        drawn = super().sample(sample_shape)
        return reinmax(drawn, self.logits, self.temperature, validate_args=False)
