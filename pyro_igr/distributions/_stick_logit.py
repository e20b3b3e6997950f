"""The distribution of the logit of a stick of the Dirichlet process."""

import math
from collections.abc import Sequence
from typing import ClassVar, cast

import torch
from pyro.distributions import TorchDistribution
from torch import Size, Tensor
from torch.distributions import Distribution, Normal, constraints, register_kl
from torch.nn.functional import logsigmoid
from torch.special import digamma, zeta

from pyro_igr._numerics.softplus_mean import softplus_mean

DIGAMMA_OF_1, TRIGAMMA_OF_1 = -0.5772156649015329, math.pi**2 / 6


class StickLogit(TorchDistribution):
    r"""The distribution of the logit of :math:`u \sim \text{Beta}(1, \alpha)`.

    .. math:: p(y) = \alpha \, \sigma(y) \, \sigma(-y)^\alpha

    Shape:
        ``concentration`` and value: ``batch``.
    Units:
        Log-densities and KL are in nats.

    Args:
        concentration: :math:`\alpha > 0`; the larger, the shorter the stick.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Accuracy:
        KL to and from a ``Normal`` to 1e-10 (1 + KL) in float64.
    Source:
        Sethuraman (1994), in log odds.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "concentration": constraints.positive
    }
    support: constraints.Constraint = constraints.real
    has_rsample = True

    def __init__(
        self, concentration: Tensor, *, validate_args: bool | None = None
    ) -> None:
        self.concentration = concentration
        super().__init__(concentration.shape, validate_args=validate_args)

    def expand(
        self, batch_shape: Sequence[int], _instance: "StickLogit | None" = None
    ) -> "StickLogit":
        new = cast(StickLogit, self._get_checked_instance(StickLogit, _instance))
        new.concentration = self.concentration.expand(batch_shape)
        Distribution.__init__(new, Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        return DIGAMMA_OF_1 - digamma(self.concentration)

    @property
    def variance(self) -> Tensor:
        # The trigamma function, of which polygamma has nine digits.
        return TRIGAMMA_OF_1 + zeta(2.0, self.concentration)

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        alpha = self.concentration
        shape = Size(sample_shape) + alpha.shape
        uniform = torch.rand(shape, dtype=alpha.dtype, device=alpha.device)
        left = uniform.clamp(min=torch.finfo(alpha.dtype).tiny).log() / alpha
        return torch.log(-torch.expm1(left)) - left

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        alpha = self.concentration
        return alpha.log() + logsigmoid(value) + alpha * logsigmoid(-value)


@register_kl(Normal, StickLogit)
def _kl_of_normal(p: Normal, q: StickLogit) -> Tensor:
    r"""As :math:`\log q(y) = \log \alpha + y - (1 + \alpha) \text{softplus}(y)`."""
    alpha = q.concentration
    mean_log_q = alpha.log() + p.loc - (1 + alpha) * softplus_mean(p.loc, p.scale)
    return -p.entropy() - mean_log_q


@register_kl(StickLogit, Normal)
def _kl_to_normal(p: StickLogit, q: Normal) -> Tensor:
    """Closed form: the entropy of p and its first two moments are digammas."""
    alpha = p.concentration
    negative_entropy = alpha.log() + DIGAMMA_OF_1 - digamma(1 + alpha) - 1
    squared = (p.variance + (p.mean - q.loc) ** 2) / q.scale**2
    return negative_entropy + 0.5 * (math.log(2 * math.pi) + squared) + q.scale.log()
