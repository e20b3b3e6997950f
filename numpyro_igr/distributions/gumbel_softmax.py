"""Gumbel-Softmax and its straight-through form, which the host lacks."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from numpyro_igr._host import validate_sample
from numpyro_igr._typed import Constraint
from numpyro_igr.discrete import straight_through
from numpyro_igr.distributions._rounding import absorb_rounding, to_score
from numpyro_igr.distributions.relaxed_one_hot import ExpRelaxedOneHotCategorical

Shape = tuple[int, ...]


class RelaxedOneHotCategorical(ExpRelaxedOneHotCategorical):
    r"""A relaxed categorical distribution on the simplex: Gumbel-Softmax, or Concrete.

    .. math:: z = \text{softmax}((\text{logits} + g) / \tau), \qquad
              g_k \sim \text{Gumbel}(0, 1)

    The density is taken with respect to Lebesgue measure on the first K-1
    coordinates. A value with an entry that has underflowed to 0 has a ``log_prob``
    of -inf; score its logarithm with :class:`ExpRelaxedOneHotCategorical`. With a
    category of probability 0 there is no density, and every ``log_prob`` is -inf.

    Shape:
        ``probs``, ``logits`` and value: ``batch + (K,)``; ``temperature``: ``batch`` or
        a plain number.
    Units:
        Log-densities are in nats.

    Args:
        temperature: :math:`\tau > 0`; the smaller, the closer to one-hot.
        probs: probabilities of the K categories.
        logits: log probabilities up to a constant, instead of ``probs``.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: unless exactly one of ``probs`` and ``logits`` is given or, under
            validation, if a parameter is out of range.

    Source:
        Jang, Gu and Poole (2017); Maddison, Mnih and Teh (2017), eq. 10; the class of
        this name in ``torch.distributions``.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from numpyro_igr import RelaxedOneHotCategorical
        >>> q = RelaxedOneHotCategorical(0.5, probs=jnp.array([0.5, 0.3, 0.2]))
        >>> print(f"{q.sample(jax.random.key(0)).sum():.4f}")
        1.0000
        >>> [round(x, 4) for x in q.probs.tolist()]
        [0.5, 0.3, 0.2]
    """

    support: Constraint = constraints.simplex
    value_is_log: ClassVar[bool] = False

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        return jnp.exp(super().sample(key, sample_shape))

    @validate_sample
    def log_prob(self, value: Array, intermediates: Any = None) -> Array:
        (value, _), dtype = to_score(value, self.logits)
        inside = (value > 0).all(-1)
        log_z = jnp.log(jnp.where(inside[..., None], value, 1.0))
        log_prob = self._log_density(log_z) - log_z.sum(-1)
        return jnp.where(inside, log_prob, -jnp.inf).astype(dtype)

    def _validate_sample(self, value: Array) -> ArrayLike:
        return super()._validate_sample(absorb_rounding(value))


class RelaxedOneHotCategoricalStraightThrough(RelaxedOneHotCategorical):
    r"""A :class:`RelaxedOneHotCategorical` with one-hot samples, relaxed gradients.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z)), \qquad
              z = \text{softmax}((\text{logits} + g) / \tau)

    Its density is that of the relaxed distribution, which gives a one-hot value none:
    ``log_prob`` of a sample is -inf, so that a Monte-Carlo ELBO is visibly not finite.
    Train it with ``TraceDiscreteKL_ELBO``.

    Shape:
        ``probs``, ``logits`` and value: ``batch + (K,)``; ``temperature``: ``batch`` or
        a plain number.
    Units:
        Log-densities are in nats.

    Args:
        temperature: :math:`\tau > 0`, of the relaxed gradient.
        probs: probabilities of the K categories.
        logits: log probabilities up to a constant, instead of ``probs``.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: unless exactly one of ``probs`` and ``logits`` is given or, under
            validation, if a parameter is out of range.

    Source:
        Jang, Gu and Poole (2017), section 2.2; the class of this name in Pyro, which
        tags its samples with the relaxed value and scores that.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from numpyro_igr import RelaxedOneHotCategoricalStraightThrough
        >>> probs = jnp.array([0.5, 0.3, 0.2])
        >>> q = RelaxedOneHotCategoricalStraightThrough(0.5, probs)
        >>> sorted(q.sample(jax.random.key(0)).tolist())
        [0.0, 0.0, 1.0]
    """

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        return straight_through(super().sample(key, sample_shape))
