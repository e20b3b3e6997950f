"""The distributions of countably many sticks: those given, and those of the tail."""

import torch
from pyro.distributions import Normal
from torch import Tensor
from torch.distributions import Normal as AnyNormal

from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr._typed import Distribution
from pyro_igr.distributions._parameters import to_arrays
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions._stick_logit import StickLogit
from pyro_igr.distributions.gem import GEM


def given_sticks(
    dist: GaussianPushforward, start: int = 0, stop: int | None = None
) -> Normal:
    r"""The distributions of the logits :math:`y / \tau` of given sticks, Gaussian as y.

    Args:
        dist: a distribution that breaks its sticks at :math:`\sigma(y / \tau)`.
        start: the first stick, counted from 0.
        stop: the stick before which to stop, None for all.
    """
    loc, scale = dist.loc[..., start:stop], dist.scale[..., start:stop]
    return _normal_logit(loc, scale, dist.temperature)


def tail_stick(
    tail: AnyNormal | GEM | None, temperature: Tensor
) -> Normal | StickLogit:
    """The distribution of the logit of each stick of a tail, of shape ``batch + (1,)``.

    Args:
        tail: a distribution of y, None for N(0, 1), or a GEM, a distribution of sticks.
        temperature: of the sticks of y, of shape ``batch``.
    """
    if isinstance(tail, GEM):
        return _beta_logit(tail, temperature)
    if tail is None:
        one = torch.ones_like(temperature)
        tail = Normal(torch.zeros_like(one), one, validate_args=False)
    # The host makes tensors of plain numbers, of a dtype and device of its own.
    (like,), _ = in_full_precision(temperature)
    loc, scale = (x.to(like).unsqueeze(-1) for x in (tail.loc, tail.scale))
    return _normal_logit(loc, scale, temperature)


def draw_logits(
    tail: AnyNormal | GEM | None, temperature: Tensor, shape: tuple[int, ...]
) -> Tensor:
    """Logits of independent sticks of a tail, of a shape that ends in their number.

    Args:
        tail: a distribution of y, None for N(0, 1), or a GEM, a distribution of sticks.
        temperature: of the sticks of y, of shape ``batch``.
        shape: of the result.
    """
    stick = tail_stick(tail, temperature)
    if isinstance(stick, StickLogit):
        return stick.expand(shape).rsample()
    noise = torch.randn(shape, dtype=stick.loc.dtype, device=stick.loc.device)
    return stick.loc + stick.scale * noise  # the host's own cannot be vmapped


def with_batch_of(
    tail: Distribution | None, rho: Tensor | float, **like: Tensor | float
) -> Tensor | float:
    """``rho``, with the batch dimensions of the tail.

    Args:
        tail: a distribution of y, None for N(0, 1), or a GEM, a distribution of sticks.
        rho: the mass to exceed.
        like: ``loc`` and ``scale``, whose dtype a plain number takes.

    Raises:
        ValueError: if ``tail`` is no distribution of sticks.
    """
    if tail is None:
        return rho
    if not isinstance(tail, AnyNormal | GEM):
        raise ValueError(
            f"expected tail to be None, a Normal or a GEM, got {type(tail).__name__}"
        )
    rho = to_arrays(like | {"rho": rho})["rho"]
    return rho.expand(broadcast_shapes(rho.shape, tail.batch_shape))


def _beta_logit(tail: GEM, temperature: Tensor) -> StickLogit:
    """As :meth:`GEM.stick`; a plain number has the dtype and device of the sticks."""
    (alpha, _), _ = in_full_precision(tail.given_concentration, temperature)
    alpha = alpha.expand(tail.batch_shape).unsqueeze(-1)
    return StickLogit(alpha, validate_args=False)


def _normal_logit(loc: Tensor, scale: Tensor, temperature: Tensor) -> Normal:
    (loc, scale, tau), _ = in_full_precision(loc, scale, temperature.unsqueeze(-1))
    return Normal(loc / tau, scale / tau, validate_args=False)
