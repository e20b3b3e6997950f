"""GEM: the stick-breaking prior of the Dirichlet process."""

from collections.abc import Sequence
from typing import ClassVar, Self, cast

import torch
from pyro.distributions import TorchDistribution
from torch import Size, Tensor
from torch.distributions import Distribution, constraints

from pyro_igr._numerics.checks import check_size, refuse_complex
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.tensors import as_tensor
from pyro_igr.distributions._absent import BY_SAMPLES, Absent
from pyro_igr.distributions._parameters import check_value
from pyro_igr.distributions._rounding import absorb_rounding, to_score
from pyro_igr.distributions._stick_logit import StickLogit
from pyro_igr.transforms import StickBreakingTransform

UNTEMPERED = StickBreakingTransform(1.0)


class GEM(Absent, TorchDistribution):
    r"""Weights of the Dirichlet process (Griffiths, Engen, McCloskey), by their sticks.

    .. math::
        z_k = u_k \prod_{i<k} (1 - u_i), \qquad u_k \sim \text{Beta}(1, \alpha), \qquad
        k = 1 .. n

    and the last entry of z is the rest, :math:`\prod_{i \le n} (1 - u_i)`, the mass of
    all further sticks. The density is with respect to Lebesgue measure on the first n
    coordinates; if an entry of a value has underflowed to 0, its ``log_prob`` is -inf.
    There is a KL from :class:`InfiniteIGR` whose tail is a GEM of the same
    concentration, and from :class:`IGRStickBreaking` ("sticks"). The numbers of sticks
    may differ: the KL is that of the sticks of the other distribution.

    Shape:
        ``concentration``: ``batch``; value: ``batch + (num_sticks + 1,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        concentration: :math:`\alpha > 0`; the larger, the more weights matter.
        num_sticks: n, the number of sticks that a value shows.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if ``num_sticks`` is not positive or, under validation, if
            ``concentration`` is not.

    Accuracy:
        log_prob to 1e-10 in float64.
    Source:
        Sethuraman (1994).

    Example:
        >>> import torch
        >>> from torch.distributions import kl_divergence
        >>> from pyro_igr import GEM, InfiniteIGR
        >>> prior = GEM(1.0, num_sticks=3)
        >>> q = InfiniteIGR(1.0, torch.zeros(3), 1.7 * torch.ones(3), tail=prior)
        >>> print(f"{kl_divergence(q, prior):.2f}")
        0.03
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "concentration": constraints.positive
    }
    support: constraints.Constraint = constraints.simplex
    has_rsample: bool = True
    concentration: Tensor
    num_sticks: int
    instead_of_mean: str = f"use .probs, or {BY_SAMPLES}"
    instead_of_entropy: str = "average -log_prob over samples"
    instead_of_variance: str = BY_SAMPLES
    instead_of_values: str = "values are continuous: draw samples"

    def __init__(
        self,
        concentration: Tensor | float,
        num_sticks: int,
        *,
        validate_args: bool | None = None,
    ) -> None:
        check_size(num_sticks=num_sticks)
        refuse_complex(concentration=concentration)
        self.given_concentration: Tensor | float = concentration
        self.num_sticks = num_sticks
        self.concentration = as_tensor(concentration)
        if not self.concentration.is_floating_point():
            self.concentration = self.concentration.to(torch.get_default_dtype())
        batch_shape, event_shape = self.concentration.shape, Size((num_sticks + 1,))
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Self | None = None) -> Self:
        new = cast(Self, self._get_checked_instance(GEM, _instance))
        new.given_concentration = self.given_concentration
        new.num_sticks = self.num_sticks
        new.concentration = self.concentration.expand(batch_shape)
        Distribution.__init__(
            new, Size(batch_shape), self.event_shape, validate_args=False
        )
        new._validate_args = self._validate_args
        return new

    def stick(self) -> StickLogit:
        """The distribution of the logit of each stick, of shape ``batch + (1,)``."""
        (alpha,), _ = in_full_precision(self.concentration)
        return StickLogit(alpha.unsqueeze(-1), validate_args=False)

    @property
    def logits(self) -> Tensor:
        """Log of :attr:`probs`, in nats."""
        typical = (
            self.stick().concentration.log().expand(*self.batch_shape, self.num_sticks)
        )
        return UNTEMPERED.to_log(-typical).to(self.concentration.dtype)

    @property
    def probs(self) -> Tensor:
        """The mean weights, the rest included."""
        return self.logits.exp()

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        sticks = self.stick().expand(self.batch_shape + (self.num_sticks,))
        z = UNTEMPERED(sticks.rsample(sample_shape))
        return z.to(self.concentration.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        check_value(value, self.event_shape)
        if self._validate_args:
            self._validate_sample(value)
        (value, _), dtype = to_score(value, self.concentration)
        y = UNTEMPERED.inv(value)
        inside = y.isfinite().all(-1)
        y = torch.where(inside.unsqueeze(-1), y, 0.0)
        log_prob = self.stick().log_prob(y).sum(-1)
        log_prob = log_prob - UNTEMPERED.log_abs_det_jacobian(y, value)
        return torch.where(inside, log_prob, -torch.inf).to(dtype)

    def _validate_sample(self, value: Tensor) -> None:
        super()._validate_sample(absorb_rounding(value))
