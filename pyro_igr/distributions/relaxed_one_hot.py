"""Relaxed one-hot distributions: Gumbel-Softmax, or Concrete."""

import math
from collections.abc import Sequence
from typing import ClassVar, Self, cast

import torch
from pyro.distributions import OneHotCategorical
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Size, Tensor
from torch.distributions import Categorical, Distribution, constraints
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical

from pyro_igr._host import one_hot_of
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr.distributions._absent import Absent
from pyro_igr.distributions._categorical_logits import (
    categorical_logits,
    is_possible,
    with_temperature,
)
from pyro_igr.distributions._parameters import check_value
from pyro_igr.transforms import LogSoftmaxPlusPlusTransform


class ExpRelaxedOneHotCategorical(
    Absent, ExpRelaxedCategorical, TorchDistributionMixin
):
    r"""The distribution of :math:`\log z` for z of a ``RelaxedOneHotCategorical``.

    .. math:: \log z = \log \text{softmax}((\text{logits} + g) / \tau), \qquad
              g_k \sim \text{Gumbel}(0, 1)

    The density is taken with respect to Lebesgue measure on the additive log-ratios
    :math:`\log z_k - \log z_K`, and exact at any temperature: use it with Monte-Carlo
    ELBOs, and decode its exponential. With a category of probability 0 there is none,
    and ``log_prob`` is -inf; its entry of the value is the smallest finite number.

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
        ValueError: unless exactly one of ``probs`` and ``logits`` is given, if shapes
            do not broadcast or, under validation, if a parameter is out of range.

    Accuracy:
        log_prob to 1e-10 in float64, and to 1e-4 relative in float32 at temperature
        0.01 and K = 1000.
    Source:
        Maddison, Mnih and Teh (2017), appendix C.3; ``ExpRelaxedCategorical`` of
        ``torch.distributions``.

    Example:
        >>> import torch
        >>> from pyro_igr import ExpRelaxedOneHotCategorical
        >>> q = ExpRelaxedOneHotCategorical(0.01, logits=torch.zeros(3))
        >>> log_z = q.rsample()
        >>> bool(q.log_prob(log_z).isfinite())
        True
        >>> print(f"{q.to_discrete().probs[0]:.3f}")
        0.333
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "temperature": constraints.positive,
        "logits": constraints.real_vector,
    }
    value_is_log: ClassVar[bool] = True
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
        temperature, logits = with_temperature(temperature, logits)
        batch = temperature.shape
        self._place(temperature, logits, batch, validate_args=validate_args)

    def _place(
        self,
        temperature: Tensor,
        logits: Tensor,
        batch_shape: Size,
        *,
        validate_args: bool | None,
    ) -> None:
        event_shape = logits.shape[-1:]
        self.temperature = temperature.expand(batch_shape)
        logits = logits.expand(batch_shape + event_shape)
        self._categorical = Categorical(logits=logits, validate_args=False)
        Distribution.__init__(self, batch_shape, event_shape, validate_args)

    def expand(
        self,
        batch_shape: Sequence[int],
        _instance: Self | None = None,
    ) -> Self:
        family = ExpRelaxedOneHotCategorical
        new = cast(Self, self._get_checked_instance(family, _instance))
        shape = Size(batch_shape)
        new._place(self.temperature, self.logits, shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    # A sampler that maps onto it stays on the simplex, with the density of log-ratios.
    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self) -> constraints.Constraint:
        return LogSoftmaxPlusPlusTransform(1.0).codomain

    @property
    def probs(self) -> Tensor:
        return self.logits.exp()

    def to_discrete(self) -> OneHotCategorical:
        """The discrete distribution that this one relaxes, over one-hot vectors."""
        return one_hot_of(self.logits, validate_args=self._validate_args)

    @staticmethod
    def infer_shapes(
        temperature: Size, probs: Size | None = None, logits: Size | None = None
    ) -> tuple[Size, Size]:
        shape = cast(Size, logits if probs is None else probs)
        return broadcast_shapes(temperature, shape[:-1]), shape[-1:]

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        (logits, tau), dtype = self._in_full_precision()
        shape = self._extended_shape(sample_shape)
        uniform = torch.rand(shape, dtype=logits.dtype, device=logits.device)
        limits = torch.finfo(logits.dtype)
        noise = -(-uniform.clamp(min=limits.tiny).log()).log()
        scores = (logits + noise) / tau
        scores = torch.where(is_possible(self.logits), scores, limits.min)
        return scores.log_softmax(-1).clamp(min=torch.finfo(dtype).min).to(dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        check_value(value, self.event_shape)
        if self._validate_args:
            self._validate_sample(value)
        (logits, tau, value), dtype = self._in_full_precision(value)
        k = self.event_shape[0]
        scores = logits - tau * value
        inside = value.isfinite() & ~scores.isinf() & is_possible(self.logits)
        inside = inside.all(-1)
        scores = torch.where(inside.unsqueeze(-1), scores, 0.0)
        constant = math.lgamma(k) + (k - 1) * tau.log().squeeze(-1)
        density = constant + scores.log_softmax(-1).sum(-1)
        return torch.where(inside, density, -torch.inf).to(dtype)

    # Where the logarithm is the smallest number, arithmetic on it would overflow.
    def _in_full_precision(self, *values: Tensor) -> tuple[list[Tensor], torch.dtype]:
        logits = torch.where(is_possible(self.logits), self.logits, 0.0)
        return in_full_precision(logits, self.temperature.unsqueeze(-1), *values)
