"""ReinMax: one-hot samples with gradients of second order."""

from typing import ClassVar, Self, cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from numpyro_igr._typed import Constraint
from numpyro_igr.discrete import reinmax
from numpyro_igr.distributions._categorical_logits import (
    categorical_logits,
    with_temperature,
)
from numpyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient

Shape = tuple[int, ...]


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
        >>> import jax, jax.numpy as jnp
        >>> from numpyro_igr import OneHotCategoricalReinMax
        >>> q = OneHotCategoricalReinMax(1.0, logits=jnp.zeros(3))
        >>> sorted(q.rsample(jax.random.key(0)).tolist())
        [0.0, 0.0, 1.0]
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "temperature": constraints.positive,
        "logits": constraints.real_vector,
    }
    temperature: Array

    def __init__(
        self,
        temperature: ArrayLike,
        probs: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        *,
        validate_args: bool | None = None,
    ) -> None:
        if validate_args is not None:
            self._validate_args = validate_args
        logits = categorical_logits(probs, logits, self)
        self.temperature, logits = with_temperature(temperature, logits)
        super().__init__(logits=logits, validate_args=validate_args)

    def expand(self, batch_shape: Shape) -> Self:
        logits = self.to_discrete().expand(batch_shape).logits
        return type(self)(
            self.temperature, logits=logits, validate_args=self._validate_args
        )

    @staticmethod
    def infer_shapes(
        temperature: Shape, probs: Shape | None = None, logits: Shape | None = None
    ) -> tuple[Shape, Shape]:
        shape = cast(Shape, logits if probs is None else probs)
        return jnp.broadcast_shapes(temperature, shape[:-1]), shape[-1:]

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        drawn = super().sample(key, sample_shape)
        given = drawn, self.logits, self.temperature
        return reinmax(*given, validate_args=False).astype(drawn.dtype)
