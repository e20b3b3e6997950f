"""OneHotCategorical, which the host lacks."""

from typing import Any, ClassVar, Self, cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import one_hot
from jax.typing import ArrayLike
from numpyro.distributions import constraints
from numpyro.distributions.kl import kl_divergence

from numpyro_igr._host import validate_sample
from numpyro_igr._typed import Constraint, Distribution
from numpyro_igr.distributions._categorical_logits import (
    categorical_logits,
    is_possible,
)
from numpyro_igr.distributions._compiled import draw_one_hot, log_prob_of_one_hot
from numpyro_igr.distributions._one_hot_vectors import OneHot
from numpyro_igr.distributions._parameters import args_to_check, check_value

Shape = tuple[int, ...]


class _AskedOfSites:
    """False of the class, and true of its members, which refuse when they are asked.

    The host's engines leave a site of a family that answers no as it is: its draws
    from the prior then pass for draws from the posterior.
    """

    def __get__(self, member: Distribution | None, family: type) -> bool:
        return member is not None


class OneHotCategorical(Distribution):
    r"""A categorical distribution over one-hot vectors.

    .. math:: P(z = e_k) = p_k = \text{softmax}(\text{logits})_k

    A category of probability 0 has a ``log_prob`` of -inf, adds nothing to the entropy,
    and has the smallest finite number among the ``logits``; a KL to a distribution that
    lacks a category is infinite.

    The host's engines enumerate integers: of a latent site of this family they raise
    NotImplementedError. Have them enumerate a ``Categorical`` of the same logits, and
    take ``jax.nn.one_hot`` of its value.

    Shape:
        ``probs``, ``logits`` and value: ``batch + (K,)``.
    Units:
        Log-probabilities, entropy and KL are in nats.

    Args:
        probs: probabilities of the K categories.
        logits: log probabilities up to a constant, instead of ``probs``.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: unless exactly one of ``probs`` and ``logits`` is given or, under
            validation, if it is out of range.

    Source:
        ``torch.distributions.OneHotCategorical``.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import OneHotCategorical
        >>> q = OneHotCategorical(probs=jnp.array([0.5, 0.3, 0.2]))
        >>> print(f"{q.log_prob(jnp.array([0.0, 1.0, 0.0])):.4f}")
        -1.2040
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "logits": constraints.real_vector
    }
    support: Constraint = OneHot()
    has_enumerate_support: bool | _AskedOfSites = _AskedOfSites()
    logits: Array

    def __init__(
        self,
        probs: ArrayLike | None = None,
        logits: ArrayLike | None = None,
        *,
        validate_args: bool | None = None,
    ) -> None:
        if validate_args is not None:
            self._validate_args = validate_args
        self.logits = categorical_logits(probs, logits, self)
        shape = jnp.shape(self.logits)
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def get_args(self) -> dict[str, Any]:
        return args_to_check(self)

    @property
    def probs(self) -> Array:
        return jnp.exp(self.logits)

    @staticmethod
    def infer_shapes(
        probs: Shape | None = None, logits: Shape | None = None
    ) -> tuple[Shape, Shape]:
        shape = cast(Shape, logits if probs is None else probs)
        return shape[:-1], shape[-1:]

    # The host expands by a wrapper, whose enumerate_support takes scalar events only.
    def expand(self, batch_shape: Shape) -> Self:
        try:
            logits = jnp.broadcast_to(self.logits, (*batch_shape, *self.event_shape))
        except ValueError as error:
            raise ValueError(
                f"Cannot broadcast distribution of shape {self.batch_shape} "
                f"to shape {batch_shape}"
            ) from error
        return type(self)(logits=logits, validate_args=self._validate_args)

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        shape = sample_shape + self.batch_shape
        return draw_one_hot(key, self.logits, shape)

    @validate_sample
    def log_prob(self, value: Array, intermediates: None = None) -> Array:
        check_value(value, self.event_shape)
        return log_prob_of_one_hot(value, self.logits)

    # Unexpanded values are what the host's engines ask for, to count them and then to
    # put their indices in the place of the values.
    def enumerate_support(self, expand: bool = True) -> Array:  # noqa: FBT001, FBT002
        if not expand:
            raise NotImplementedError(
                "NumPyro enumerates integers, and a OneHotCategorical has vectors: "
                "sample a Categorical of the same logits, which can be enumerated, and "
                "take jax.nn.one_hot of its value"
            )
        k = self.event_shape[0]
        values = jnp.eye(k, dtype=self.logits.dtype)
        values = values.reshape((k, *[1] * len(self.batch_shape), k))
        return jnp.broadcast_to(values, (k, *self.batch_shape, k))

    def entropy(self) -> Array:
        return -(self.probs * self.logits).sum(-1)

    @property
    def mean(self) -> Array:
        return self.probs

    @property
    def variance(self) -> Array:
        return self.probs * (1 - self.probs)

    @property
    def mode(self) -> Array:
        index = jnp.argmax(self.logits, -1)
        return one_hot(index, self.event_shape[0], dtype=self.logits.dtype)


@kl_divergence.register(OneHotCategorical, OneHotCategorical)
def _kl_one_hot_one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Array:
    """KL(p || q) in nats: 0 from a category without probability, infinite to one."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            "expected distributions over the same number of categories, "
            f"got {p.event_shape[0]} and {q.event_shape[0]}"
        )
    return _kl_of_logits(p.logits, q.logits)


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _kl_of_logits(p: Array, q: Array) -> Array:
    is_lacking = is_possible(p) & ~is_possible(q)
    return jnp.where(is_lacking, jnp.inf, jnp.exp(p) * (p - q)).sum(-1)
