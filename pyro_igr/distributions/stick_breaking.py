"""IGR-SB: the distribution of a tempered stick-breaking of a Gaussian (section 3.2)."""

from typing import ClassVar

from torch import Tensor
from torch.distributions import constraints

from pyro_igr.discrete import (
    log_largest_weight_probs,
    log_stick_probs,
    match_log_stick_probs,
)
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.noise import StickNoise
from pyro_igr.transforms import StickBreakingTransform, Tempering

AT_ONE = StickBreakingTransform(1.0)


class IGRStickBreaking(GaussianPushforward):
    r"""Invertible Gaussian reparameterization by stick-breaking (IGR-SB).

    .. math::
        z = g(y, \tau), \qquad
        y \sim N(\mu, \text{diag}(\sigma^2)) \text{ on } \mathbb{R}^{K-1}

    with g the :class:`StickBreakingTransform` of the chosen tempering:

    - "sticks", the default, divides each y by the temperature. Every category can be
      chosen, and both the discrete distribution and the KL between any two temperatures
      are in closed form.
    - "weights" tempers the weights of the broken stick.
    - "softmax++" is the paper's. Category K is never chosen, and the support is a
      strict subset of the simplex.
    - "vertex" moves the weights towards the nearest vertex. Pathwise gradients are
      biased.

    With the last three the KL is in closed form at equal temperatures only, and the
    discrete distribution is that of the largest weight, by quadrature (see
    ``discrete.largest_weight_probs`` for its accuracy and cost).

    With many categories the last weights underflow in float32 at any temperature, and
    the ``log_prob`` of such a value is -inf: prefer objectives with an exact KL.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``: ``batch`` or a plain
        number; value: ``batch + (K,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0` (at most 1 for "vertex"); the smaller, the
            closer to one-hot.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        tempering: "sticks", "weights", "softmax++" or "vertex".
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if ``tempering`` is unknown, if shapes do not broadcast or, under
            validation, if a parameter is outside its range.

    Accuracy:
        log_prob and KL to 1e-10 in float64; log_prob is -inf outside of the support.
        That of "softmax++" to 1e-12 over the weight of category K before it is
        tempered; -inf where rounding hides this.
    Source:
        IGR (Potapczynski et al., 2020), section 3.2. The temperings "sticks" (the
        default) and "weights" are ours; "softmax++" is eq. 18, "vertex" eq. 17.

    Example:
        >>> import torch
        >>> from torch.distributions import kl_divergence
        >>> from pyro_igr import IGRStickBreaking
        >>> q = IGRStickBreaking.from_probs(0.1, torch.tensor([0.5, 0.3, 0.2]))
        >>> q.probs
        tensor([0.5000, 0.3000, 0.2000])
        >>> p = IGRStickBreaking.from_probs(0.5, torch.ones(3) / 3)
        >>> print(f"{kl_divergence(q, p):.2f}")  # large, as temperatures differ
        21.68
        >>> print(f"{kl_divergence(q.to_discrete(), p.to_discrete()):.2f}")
        0.07
    """

    options: ClassVar[tuple[str, ...]] = ("tempering",)
    tempering: Tempering

    def __init__(
        self,
        temperature: Tensor | float,
        loc: Tensor,
        scale: Tensor | float,
        *,
        tempering: Tempering = "sticks",
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(
            temperature,
            loc,
            scale,
            tempering=tempering,
            validate_args=validate_args,
        )

    @property
    def unit_map(self) -> StickBreakingTransform | None:
        return AT_ONE if self.tempering == "sticks" else None

    @property
    def unit_shift(self) -> Tensor | None:
        return 0 * self.temperature if self.tempering == "sticks" else None

    @property
    def noise_type(self) -> type | None:
        return StickNoise if self.tempering == "sticks" else None

    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self) -> constraints.Constraint:
        return self.transforms[0].codomain

    def _transform(self) -> StickBreakingTransform:
        return StickBreakingTransform(
            self.temperature, self.tempering, validate_args=self._validate_args
        )

    def _log_probs(self) -> Tensor:
        if self.tempering == "sticks":
            return log_stick_probs(self.loc, self.scale, validate_args=False)
        return log_largest_weight_probs(
            self.loc,
            self.scale,
            remainder=self.tempering != "softmax++",
            validate_args=False,
        )

    @staticmethod
    def _match(
        log_probs: Tensor, scale: Tensor | float, tempering: Tempering = "sticks"
    ) -> Tensor:
        if tempering == "softmax++":
            raise ValueError(
                'tempering "softmax++" never chooses category K: no distribution of '
                "it has positive probabilities throughout"
            )
        if tempering != "sticks":
            raise ValueError(
                'expected tempering "sticks", whose discrete distribution has a '
                f"closed form to invert; got {tempering!r}"
            )
        return match_log_stick_probs(log_probs, scale, validate_args=False)
