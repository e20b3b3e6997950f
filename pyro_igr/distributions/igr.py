"""IGR: the relaxed categorical distribution of softmax++ of a Gaussian (eq. 10, 15)."""

from typing import ClassVar

from torch import Size, Tensor
from torch.distributions import constraints

from pyro_igr.distributions._softmax_plus_plus import SoftmaxPlusPlus
from pyro_igr.transforms import LogSoftmaxPlusPlusTransform, SoftmaxPlusPlusTransform

AT_ONE = SoftmaxPlusPlusTransform(1.0)
LOG_AT_ONE = LogSoftmaxPlusPlusTransform(1.0)


class IGR(SoftmaxPlusPlus):
    r"""Invertible Gaussian reparameterization of a categorical variable.

    A reparameterized distribution on the simplex of K categories, the paper's IGR-I
    (softmax++). Like ``RelaxedOneHotCategorical``, it tends to one-hot vectors as the
    temperature falls; its KL to any other ``IGR`` is in closed form, even at another
    temperature. ``.probs`` is the discrete distribution that it relaxes, and
    :meth:`from_probs` builds the distribution with given probabilities.

    .. math::
        z = \text{softmax}([y / \tau, \log \delta]), \qquad
        y \sim N(\mu, \text{diag}(\sigma^2)) \text{ on } \mathbb{R}^{K-1}

    The density is taken with respect to Lebesgue measure on the first K-1
    coordinates, as that of ``RelaxedOneHotCategorical``.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``, ``delta``: ``batch`` or
        plain numbers; value: ``batch + (K,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`; the smaller, the closer to one-hot.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if shapes do not broadcast or, under validation, if a parameter
            is outside its range.

    Accuracy:
        log_prob and KL to 1e-10 in float64. In float32, samples, KL and their gradients
        are finite at temperature 0.01 and K = 1000. Below a temperature of about 0.1
        entries of a value underflow, and its log_prob is then -inf: use :class:`ExpIGR`
        where an objective needs log_prob. ``.probs``: see ``discrete.argmax_probs``.
    Source:
        IGR (Potapczynski et al., 2020), eq. 10 and 15.

    Example:
        >>> import torch
        >>> from torch.distributions import kl_divergence
        >>> from pyro_igr import IGR
        >>> q = IGR.from_probs(0.1, torch.tensor([0.5, 0.3, 0.2]))
        >>> q.probs
        tensor([0.5000, 0.3000, 0.2000])
        >>> p = IGR.from_probs(0.5, torch.ones(3) / 3)
        >>> print(f"{kl_divergence(q, p):.2f}")  # large, as temperatures differ
        22.42
        >>> print(f"{kl_divergence(q.to_discrete(), p.to_discrete()):.2f}")
        0.07
    """

    support: constraints.Constraint = constraints.simplex
    unit_map: SoftmaxPlusPlusTransform = AT_ONE

    def _transform(self) -> SoftmaxPlusPlusTransform:
        return SoftmaxPlusPlusTransform(
            self.temperature, self.delta, validate_args=False
        )


class ExpIGR(SoftmaxPlusPlus):
    r"""The logarithm of z ~ :class:`IGR`, with an exact density at any temperature.

    .. math::
        \log z = \log \text{softmax}([y / \tau, \log \delta]), \qquad
        y \sim N(\mu, \text{diag}(\sigma^2)) \text{ on } \mathbb{R}^{K-1}

    The density is that of the log-ratios :math:`\log z_k - \log z_K`, as in
    ``ExpRelaxedCategorical``: the density of :class:`IGR` times :math:`\prod_k z_k`.
    Use it with Monte-Carlo ELBOs.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``, ``delta``: ``batch`` or
        plain numbers; value: ``batch + (K,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`; the smaller, the closer to one-hot.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if shapes do not broadcast or, under validation, if a parameter
            is outside its range.

    Accuracy:
        log_prob to 1e-10 in float64; in float32 to 0.01 + 1e-4 of it (K 1000, tau .01).
    Source:
        IGR (Potapczynski et al., 2020), eq. 10 and 15; the logarithms are ours.

    Example:
        >>> import torch
        >>> from pyro_igr import ExpIGR
        >>> q = ExpIGR(0.01, torch.zeros(2), torch.ones(2))
        >>> log_z = q.rsample()
        >>> bool(q.log_prob(log_z).isfinite())
        True
    """

    value_is_log: ClassVar[bool] = True
    unit_map: LogSoftmaxPlusPlusTransform = LOG_AT_ONE

    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self) -> constraints.Constraint:
        return self.transforms[0].codomain

    def _transform(self) -> LogSoftmaxPlusPlusTransform:
        return LogSoftmaxPlusPlusTransform(
            self.temperature, self.delta, validate_args=False
        )


class IGRStraightThrough(IGR):
    r"""An :class:`IGR` whose samples are exactly one-hot, with relaxed gradients.

    Samples have the probabilities ``.probs`` at any temperature. Use it where the KL is
    exact, as in ``TraceMeanField_ELBO``. Its density is that of the relaxed
    distribution, which is zero at one-hot values: ``log_prob`` of a sample is -inf, so
    that a Monte-Carlo ELBO is visibly not finite.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``, ``delta``: ``batch`` or
        plain numbers; value: ``batch + (K,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`, of the relaxed gradient.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        delta: :math:`\delta > 0`, the weight of category K in the gradient alone.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if shapes do not broadcast or, under validation, if a parameter
            is outside its range.

    Source:
        IGR (Potapczynski et al., 2020), section 3.3; there the vertex nearest to z.

    Example:
        >>> import torch
        >>> from pyro_igr import IGRStraightThrough
        >>> q = IGRStraightThrough(0.5, torch.zeros(2), torch.ones(2))
        >>> z = q.rsample()
        >>> sorted(z.tolist())
        [0.0, 0.0, 1.0]
    """

    value_is_hard: ClassVar[bool] = True
    instead_of_entropy: str = "use to_discrete().entropy()"
    instead_of_values: str = "enumerate to_discrete()"

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return self._harden(super().rsample(sample_shape))
