"""ExpectedOneHotCategorical: a one-hot variable that is summed out."""

from collections.abc import Sequence
from itertools import product
from typing import ClassVar, NoReturn, Self, cast

import torch
from pyro.distributions import OneHotCategorical, constraints
from torch import Size, Tensor
from torch.distributions import (
    Dirichlet,
    Distribution,
    RelaxedOneHotCategorical,
    biject_to,
    register_kl,
    transform_to,
)
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical

from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.tensors import as_tensor
from pyro_igr.distributions._mean_log_prob import mean_log_prob
from pyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from pyro_igr.distributions._parameters import check_value
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions._rounding import absorb_rounding
from pyro_igr.distributions.gem import GEM
from pyro_igr.transforms.simplex import to_real

NO_DENSITY = (
    "the value of ExpectedOneHotCategorical is the mean of a one-hot variable, and has "
    "no density: give its site an ExpectedOneHotCategorical in model and guide, or "
    "write it as OneHotCategorical and relax the program"
)


class _MeanOfOneHot(constraints.Constraint):
    """Points of the simplex, of which no continuous distribution is to be made."""

    is_discrete = False
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        value = absorb_rounding(to_real(value))
        tolerance = max(1e-6, value.shape[-1] * torch.finfo(value.dtype).eps)
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < tolerance)


@biject_to.register(_MeanOfOneHot)
@transform_to.register(_MeanOfOneHot)
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
        >>> import torch
        >>> from pyro_igr import ExpectedOneHotCategorical
        >>> q = ExpectedOneHotCategorical(torch.tensor([0.2, 0.8]))
        >>> p = ExpectedOneHotCategorical(torch.tensor([0.5, 0.5]))
        >>> z = q.rsample()
        >>> print(", ".join(f"{x:.2f}" for x in z))
        0.20, 0.80
        >>> print(f"{q.log_prob(z) - p.log_prob(z):.4f}")  # their KL
        0.1927
    """

    support: constraints.Constraint = _MeanOfOneHot()
    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "probs": support,  # the host's allows no rounding of many
        "logits": constraints.real_vector,
    }
    has_rsample: bool = True
    has_enumerate_support: bool = False

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        *,
        validate_args: bool | None = None,
    ) -> None:
        given = {"probs": probs, "logits": logits}
        given = {name: x for name, x in given.items() if x is not None}
        refuse_complex(**given)
        tensors = {name: as_tensor(x) for name, x in given.items()}
        super().__init__(**tensors, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Self | None = None) -> Self:
        new = self._get_checked_instance(ExpectedOneHotCategorical, _instance)
        return cast(Self, super().expand(Size(batch_shape), new))

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return self.probs.expand(self._extended_shape(sample_shape))

    def sample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return self.rsample(sample_shape).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        check_value(value, self.event_shape)
        if self._validate_args:
            self._validate_sample(value)
        return mean_log_prob(value, self)


def _kl_one_hot_one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    """KL(p || q) in nats: 0 from a category without probability, infinite to one."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            "expected distributions over the same number of categories, "
            f"got {p.event_shape[0]} and {q.event_shape[0]}"
        )
    return mean_log_prob(p.probs, p) - mean_log_prob(p.probs, q)


# That of the host is infinite also where a probability has only underflowed.
ONE_HOT = ExpectedOneHotCategorical, OneHotWithGradient, OneHotCategorical
for _pair in set(product(ONE_HOT, ONE_HOT)) - {(OneHotCategorical, OneHotCategorical)}:
    register_kl(*_pair)(_kl_one_hot_one_hot)


# The host would estimate such a KL, of a density to a probability, and say nothing.
def _no_kl(p: Distribution, q: Distribution) -> NoReturn:
    raise ValueError(NO_DENSITY)


RELAXED = GaussianPushforward, RelaxedOneHotCategorical, ExpRelaxedCategorical
for _family in *RELAXED, GEM, Dirichlet:
    register_kl(_family, ExpectedOneHotCategorical)(_no_kl)
    register_kl(ExpectedOneHotCategorical, _family)(_no_kl)
