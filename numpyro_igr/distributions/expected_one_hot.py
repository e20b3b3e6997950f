"""ExpectedOneHotCategorical: a one-hot variable that is summed out."""

from collections.abc import Sequence
from typing import NoReturn, cast

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Dirichlet, Distribution, biject_to, constraints
from numpyro.distributions.kl import kl_divergence

from numpyro_igr._host import validate_sample
from numpyro_igr._typed import Constraint
from numpyro_igr.distributions._mean_log_prob import mean_log_prob
from numpyro_igr.distributions._parameters import check_value
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions._rounding import absorb_rounding
from numpyro_igr.distributions.gem import GEM
from numpyro_igr.distributions.one_hot import OneHotCategorical
from numpyro_igr.distributions.relaxed_one_hot import ExpRelaxedOneHotCategorical
from numpyro_igr.transforms.simplex import to_real

NO_DENSITY = (
    "the value of ExpectedOneHotCategorical is the mean of a one-hot variable, and has "
    "no density: give its site an ExpectedOneHotCategorical in model and guide, or "
    "write it as OneHotCategorical and relax the program"
)


class _MeanOfOneHot(constraints.ParameterFreeConstraint):
    """Points of the simplex, of which no continuous distribution is to be made."""

    is_discrete = False
    event_dim = 1

    def __call__(self, x: Array) -> Array:
        x = absorb_rounding(to_real(x))
        tolerance = max(1e-6, x.shape[-1] * float(jnp.finfo(x.dtype).eps))
        return (x >= 0).all(-1) & (abs(x.sum(-1) - 1) < tolerance)

    def feasible_like(self, prototype: Array) -> Array:
        return cast(Array, constraints.simplex.feasible_like(prototype))


@biject_to.register(_MeanOfOneHot)
def _no_map(constraint: _MeanOfOneHot) -> NoReturn:
    raise NotImplementedError(NO_DENSITY)


class ExpectedOneHotCategorical(OneHotCategorical):
    r"""A one-hot variable that is summed out: its value is its mean.

    .. math::
        z = (p_1, .., p_K), \qquad \log p(z) = \sum_k z_k \log p_k

    The rest of the model must be linear in the value: the term of category k, times
    :math:`z_k`. The log-probability is also linear in the value, and so the mean of
    that of the one-hot variable. If model and guide both have this distribution at a
    site, any ELBO therefore contains the exact KL of the categorical distributions, and
    equals, without noise, the ELBO with the variable enumerated. A term that is not
    linear in the value is evaluated at the mean, which is not the mean of the term.

    The value is not a continuous variable: a site with this distribution in the model
    needs it (or ``OneHotCategorical``) in the guide. Engines and automatic guides that
    need a density on the support are refused, and so is a KL to or from a relaxed
    distribution, a :class:`GEM` or a ``Dirichlet``. ``relax`` and ``discretize`` leave
    the site as it is.

    Mean, variance, entropy and KL are those of the one-hot variable.

    Shape:
        ``probs``, ``logits`` and value: ``batch + (K,)``.
    Units:
        Log-probabilities, entropy and KL are in nats.

    Args:
        probs: probabilities of the K categories.
        logits: log probabilities up to a constant, instead of ``probs``.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: unless exactly one of ``probs`` and ``logits`` is given or, under
            validation, if it is out of range.

    Accuracy:
        An ELBO to 1e-10 of that by enumeration in float64.
    Source:
        Not in the paper.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import ExpectedOneHotCategorical
        >>> q = ExpectedOneHotCategorical(jnp.array([0.2, 0.8]))
        >>> p = ExpectedOneHotCategorical(jnp.array([0.5, 0.5]))
        >>> z = q.rsample(jax.random.key(0))
        >>> print(", ".join(f"{x:.2f}" for x in z))
        0.20, 0.80
        >>> print(f"{q.log_prob(z) - p.log_prob(z):.4f}")  # their KL
        0.1927
    """

    support: Constraint = _MeanOfOneHot()
    reparametrized_params: Sequence[str] = ("logits",)
    has_enumerate_support: bool = False

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return jnp.broadcast_to(self.probs, sample_shape + self.shape())

    @validate_sample
    def log_prob(self, value: Array, intermediates: None = None) -> Array:
        check_value(value, self.event_shape)
        return mean_log_prob(value, self)


# The host would estimate such a KL, of a density to a probability, and say nothing.
def _no_kl(p: Distribution, q: Distribution) -> NoReturn:
    raise ValueError(NO_DENSITY)


RELAXED = GaussianPushforward, ExpRelaxedOneHotCategorical
for _family in *RELAXED, GEM, Dirichlet:
    kl_divergence.register(_family, ExpectedOneHotCategorical)(_no_kl)
    kl_divergence.register(ExpectedOneHotCategorical, _family)(_no_kl)
