"""Straight-through gradients, averaged over the noise given the category."""

from collections.abc import Sequence
from typing import Any, Self, cast

import torch
from torch import Size, Tensor
from torch.distributions import RelaxedOneHotCategorical, kl_divergence, register_kl

from pyro_igr._numerics.checks import check_size
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr.discrete import gumbels_given_argmax, with_gradient_of
from pyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.noise import draw_log_odds, finite, without_noise
from pyro_igr.distributions.recovering import innermost, is_of_log, recover


class RaoBlackwellized(OneHotWithGradient):
    r"""One-hot samples with Rao-Blackwellized relaxed gradients: Gumbel-Rao.

    .. math::
        z = D + \frac{1}{m} \sum_{i=1}^m
        (z_i - \text{stop\_gradient}(z_i)), \qquad
        P(D = e_k) = p_k, \quad z_i = g(y_i, \tau), \quad y_i \sim p(y | h(y) = D)

    The value is exactly one-hot, with the probabilities of the discrete distribution
    that ``base_dist`` relaxes. Its gradient is the mean of m straight-through
    gradients, whose noise is drawn conditionally on the value: given which Gumbel is
    the largest (Gumbel-Softmax), which entry of :math:`[y, 0]` is the largest
    (``IGR``), or which :math:`y_k` is the first above 0 (``IGRStickBreaking``). In
    expectation it is the straight-through gradient for every m; its variance falls with
    m, while the likelihood is computed once.

    :func:`recover` returns its ``OneHotCategorical``, whose exact KL
    ``TraceDiscreteKL_ELBO`` takes; the KL to a relaxed prior is that of ``base_dist``.
    The log-probability is linear in the value; what that requires of the prior is
    described in :class:`OneHotCategoricalReinMax`.

    Shape:
        batch, event and value as those of ``base_dist``: ``batch + (K,)``.
    Units:
        Log-probabilities, entropy and KL are in nats.

    Args:
        base_dist: a relaxed distribution: Gumbel-Softmax, :class:`IGR`,
            :class:`IGRStickBreaking` with tempering "sticks", or your own with a
            ``noise_type``; apply ``to_event`` and ``mask`` to the result instead.
        num_samples: m, how many gradients are averaged.
        validate_args: whether to check values; the host's default if None.

    Raises:
        ValueError: if ``base_dist`` is wrapped (``to_event``, ``mask``), has log z as
            its value or cannot be drawn given its category, or if ``num_samples`` is
            not positive.
        TypeError: if ``num_samples`` is no integer.

    Accuracy:
        In float32 gradients are finite at temperature 0.01 and K = 1000.
    Source:
        Paulus, Maddison and Krause (2021), eq. 7 and 8, for Gumbel-Softmax; for the
        others not in the paper.

    Example:
        >>> import torch
        >>> from pyro_igr import IGRStickBreaking, RaoBlackwellized
        >>> sticks = IGRStickBreaking.from_probs(0.5, torch.tensor([0.5, 0.3, 0.2]))
        >>> q = RaoBlackwellized(sticks, num_samples=10)
        >>> q.probs
        tensor([0.5000, 0.3000, 0.2000])
        >>> sorted(q.rsample().tolist())
        [0.0, 0.0, 1.0]
    """

    base_dist: Any
    num_samples: int

    def __init__(
        self, base_dist: Any, num_samples: int, *, validate_args: bool | None = None
    ) -> None:
        check_size(num_samples=num_samples)
        _check_conditional(base_dist)
        self.base_dist, self.num_samples = base_dist, num_samples
        logits = cast(Any, recover(base_dist)).logits
        super().__init__(logits=logits, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Self | None = None) -> Self:
        new = cast(Self, self._get_checked_instance(RaoBlackwellized, _instance))
        new.base_dist = self.base_dist.expand(Size(batch_shape))
        new.num_samples = self.num_samples
        return cast(Self, super().expand(Size(batch_shape), new))

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        category = self.sample(sample_shape)
        shape = self.num_samples, *category.shape
        log_odds = draw_log_odds(shape, category)
        z = _relaxed_given(self.base_dist, category.expand(shape), log_odds)
        return with_gradient_of(z.mean(0), category)


def behind(dist: Any) -> Any:
    """The distribution whose gradients are averaged, or the one that is given.

    Args:
        dist: without the wrappers of the host.
    """
    return dist.base_dist if isinstance(dist, RaoBlackwellized) else dist


def _check_conditional(dist: Any) -> None:
    name = type(dist).__name__
    if innermost(dist) is not dist:
        raise ValueError(
            f"expected base_dist to have no wrappers, got {name}: put its event "
            "dimensions, mask or expansion around RaoBlackwellized"
        )
    if is_of_log(dist):
        raise ValueError(f"expected base_dist to have values z, but {name} has log z")
    is_gumbel = isinstance(dist, RelaxedOneHotCategorical)
    if not is_gumbel and getattr(dist, "noise_type", None) is None:
        raise ValueError(
            "expected base_dist to be a relaxed distribution that can be drawn given "
            f"its category, {without_noise(dist)}"
        )


# The gradient is that of straight-through, at noise which no parameter moves: no_grad
# alone leaves it the tangents of forward mode.
def _relaxed_given(dist: Any, category: Tensor, log_odds: Tensor) -> Tensor:
    if not isinstance(dist, GaussianPushforward):
        logits = finite(cast(Any, recover(dist)).logits)
        with torch.no_grad():
            (full,), dtype = in_full_precision(logits)
            noise = gumbels_given_argmax(log_odds, category, full) - full
        y = logits + noise.to(dtype).detach()
        return (y / dist.temperature).softmax(-1)
    draw = cast(Any, dist.noise_type).draw_given
    with torch.no_grad():
        (loc, scale), dtype = in_full_precision(dist.loc, dist.scale)
        y = draw(log_odds[..., :-1], category, loc, scale)
        noise = ((y - loc) / scale).to(dtype)
    return dist.transforms[0](dist.loc + dist.scale * noise.detach())


@register_kl(RaoBlackwellized, GaussianPushforward)
def _kl_to_relaxed(p: RaoBlackwellized, q: GaussianPushforward) -> Tensor:
    return kl_divergence(p.base_dist, q)
