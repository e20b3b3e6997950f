"""Straight-through Gumbel-Softmax, which the host lacks."""

from jax import Array

from numpyro_igr.distributions.igr_straight_through import straight_through
from numpyro_igr.distributions.relaxed_one_hot import RelaxedOneHotCategorical


class RelaxedOneHotCategoricalStraightThrough(RelaxedOneHotCategorical):
    r"""A :class:`RelaxedOneHotCategorical` with one-hot samples, relaxed gradients.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z)), \qquad
              z = \text{softmax}((\text{logits} + g) / \tau)

    Its density is that of the relaxed law, which gives a one-hot value none:
    ``log_prob`` of a sample is -inf, so that a Monte-Carlo ELBO is visibly not finite.
    Train it with ``TraceDiscreteKL_ELBO``.

    Shape: ``probs``, ``logits`` and value: ``batch + (K,)``; ``temperature``:
    ``batch`` or a plain number.
    Units: log-densities are in nats.

    Args:
        temperature: :math:`\tau > 0`, of the relaxed gradient.
        probs: probabilities of the K categories.
        logits: log probabilities up to a constant, instead of ``probs``.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: unless exactly one of ``probs`` and ``logits`` is given or, under
            validation, if a parameter is out of range.

    Source: Jang, Gu and Poole (2017), section 2.2; the class of this name in Pyro,
        which tags its samples with the relaxed value and scores that.
    """

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return straight_through(super().sample(key, sample_shape))
