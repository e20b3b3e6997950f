"""Straight-through gradients, averaged over the noise given the category."""

from typing import Any, ClassVar, Self, cast

import jax.numpy as jnp
from jax import Array, lax, random
from jax.nn import softmax
from numpyro.distributions import Distribution
from numpyro.distributions.kl import kl_divergence

from numpyro_igr._numerics.checks import check_size
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr.discrete import gumbels_given_argmax, with_gradient_of
from numpyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.gumbel_softmax import RelaxedOneHotCategorical
from numpyro_igr.distributions.noise import draw_log_odds, finite, without_noise
from numpyro_igr.distributions.recovering import innermost, is_of_log, recover

Shape = tuple[int, ...]


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
        >>> import jax, jax.numpy as jnp
        >>> from numpyro_igr import IGRStickBreaking, RaoBlackwellized
        >>> sticks = IGRStickBreaking.from_probs(0.5, jnp.array([0.5, 0.3, 0.2]))
        >>> q = RaoBlackwellized(sticks, num_samples=10)
        >>> [round(x, 4) for x in q.probs.tolist()]
        [0.5, 0.3, 0.2]
        >>> sorted(q.rsample(jax.random.key(0)).tolist())
        [0.0, 0.0, 1.0]
    """

    pytree_data_fields: ClassVar[tuple[str, ...]] = ("base_dist",)
    pytree_aux_fields: ClassVar[tuple[str, ...]] = ("num_samples",)
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

    def expand(self, batch_shape: Shape) -> Self:
        return cast(Self, Distribution.expand(self, batch_shape))

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        of_category, of_noise = random.split(key)
        category = super().sample(of_category, sample_shape)
        shape = self.num_samples, *category.shape
        log_odds = draw_log_odds(of_noise, shape, category)
        z = _relaxed_given(self.base_dist, jnp.broadcast_to(category, shape), log_odds)
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


# The gradient is that of straight-through, at noise which no parameter moves.
def _relaxed_given(dist: Any, category: Array, log_odds: Array) -> Array:
    if not isinstance(dist, GaussianPushforward):
        (logits,), _ = in_full_precision(cast(Any, recover(dist)).logits)
        logits = finite(logits)
        fixed = lax.stop_gradient(logits)
        noise = gumbels_given_argmax(log_odds, category, fixed) - fixed
        return softmax((logits + noise) / jnp.expand_dims(dist.temperature, -1), -1)
    draw = cast(Any, dist.noise_type).draw_given
    (loc, scale), _ = in_full_precision(*lax.stop_gradient((dist.loc, dist.scale)))
    noise = (draw(log_odds[..., :-1], category, loc, scale) - loc) / scale
    return cast(Array, dist.transforms[0](dist.loc + dist.scale * noise))


@kl_divergence.register(RaoBlackwellized, GaussianPushforward)
def _kl_to_relaxed(p: RaoBlackwellized, q: GaussianPushforward) -> Array:
    return cast(Array, kl_divergence(p.base_dist, q))
