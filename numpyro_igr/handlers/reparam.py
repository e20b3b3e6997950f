"""A reparameterizer that relaxes one discrete site, for the host's ``reparam``."""

from collections.abc import Callable
from functools import partial
from typing import cast

import jax.numpy as jnp
import numpyro
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution
from numpyro.infer.reparam import Reparam

from numpyro_igr._host import is_given
from numpyro_igr._numerics.checks import check_positive
from numpyro_igr.distributions import IGRStickBreaking, InfiniteIGR
from numpyro_igr.distributions.recovering import innermost, inside
from numpyro_igr.handlers._categories import is_category, log_probs_of
from numpyro_igr.handlers._fit import (
    FAMILY,
    check_batch,
    check_family,
    check_flag,
    check_num_sticks,
    check_temperature_fits,
)

COUNT = (
    "a handler around relax gives the count '{}' a value, and its weights stay latent: "
    "apply that handler to the model, and relax the result"
)
UNFIT = "expected family to fit the distribution at site '{}', but {} raised: {}"


class IGRReparam(Reparam):
    r"""Relaxes one discrete site, to a distribution with exactly its probabilities.

    The value of a one-hot site becomes a point inside the simplex. If the site has
    probabilities p, the relaxed distribution has :math:`.\text{probs} = p`, so that
    :func:`discretize` restores p. Event dimensions, masks and plates are kept.

    A site "n" of counts becomes a site "n_weights" of :class:`InfiniteIGR`, whatever
    the ``family``, and a deterministic site :math:`n = \sum_k k z_k`. This is a real
    number, and an integer again after :func:`discretize`. The last weight is that of
    all counts from ``num_sticks`` on. Weights of rare counts underflow at moderate
    temperatures, where a Monte-Carlo ELBO is NaN: train with the closed-form KL, or by
    :class:`TraceSTL_ELBO`.

    Every category has a positive probability. One of 0 becomes, in a ``Categorical``,
    ``OneHotCategorical`` or ``Multinomial``, the smallest normal number of the dtype
    divided by its precision (1e-31 in float32), and in others what the host makes it.

    Args:
        temperature: :math:`\tau > 0` of the relaxed distribution; a number, or one for
            each element of the batch.
        family: the relaxed family, by its class: ``IGRStickBreaking``, which is matched
            in closed form; ``IGR``, which treats all categories but the last alike
            and is matched by a solver at every run; or any class or function that
            takes a temperature and ``logits``, as ``RelaxedOneHotCategorical`` does.
        one_hot: whether the values of an integer site are to be one-hot vectors
            instead: of a ``Categorical``, or any that the host can enumerate.
        num_sticks: how many values of a count to distinguish, as in
            ``InfiniteIGR.from_discrete``; None for all of a support that ends at 16
            or before, and else for those whose mass is not negligible, if parameters
            are neither drawn nor trained, nor traced by jit.

    Raises:
        TypeError: if ``family`` is not a class of distributions, nor callable like one,
            ``one_hot`` no flag, or ``num_sticks`` no integer.
        ValueError: if the value of ``family`` is a logarithm, or ``temperature`` or
            ``num_sticks`` not positive; at a site that is observed, whose distribution
            cannot be relaxed, or whose batch does not fit that of the temperature or
            of the family.

    Source:
        Not in the paper.

    Example:
        >>> import jax.numpy as jnp, numpyro
        >>> from numpyro import handlers
        >>> from numpyro_igr import IGRReparam, OneHotCategorical
        >>> def model():
        ...     return numpyro.sample("z", OneHotCategorical(jnp.ones(3) / 3))
        >>> relaxed = handlers.reparam(model, config={"z": IGRReparam(0.1)})
        >>> handlers.seed(relaxed, 0)().shape
        (3,)
    """

    def __init__(
        self,
        temperature: ArrayLike,
        *,
        family: Callable[..., Distribution] = IGRStickBreaking,
        one_hot: bool = False,
        num_sticks: int | None = None,
    ) -> None:
        check_positive(temperature=temperature)
        check_family(family)
        check_flag(one_hot=one_hot)
        check_num_sticks(num_sticks)
        self.temperature: ArrayLike = temperature
        self.family: Callable[..., Distribution] = family
        self.one_hot: bool = one_hot
        self.num_sticks: int | None = num_sticks

    def __call__(
        self, name: str, fn: Distribution, obs: Array | None
    ) -> tuple[Distribution | None, Array | None]:
        if obs is not None:
            raise ValueError(f"expected site '{name}' to be latent")
        check_temperature_fits(name, self.temperature, fn)
        if not is_category(name, innermost(fn), one_hot=self.one_hot):
            if is_given(name) and not is_given(f"{name}_weights"):
                raise ValueError(COUNT.format(name))
            weights = numpyro.sample(f"{name}_weights", self._of_counts(name, fn))
            return None, _count(cast(Array, weights))
        made = cast(Distribution, inside(fn, partial(self._matched, name)))
        check_batch(name, made, fn)
        return made, None

    def _matched(self, name: str, distribution: Distribution) -> Distribution:
        """The member of the family with the probabilities of a distribution."""
        make = getattr(self.family, "from_probs", self.family)
        try:
            made = make(self.temperature, logits=log_probs_of(distribution))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(UNFIT.format(name, self.family, error)) from error
        if not isinstance(made, Distribution):
            raise TypeError(FAMILY.format(f"one that returns {made!r}"))
        return made

    def _of_counts(self, name: str, fn: Distribution) -> Distribution:
        make = partial(InfiniteIGR.from_discrete, self.temperature)
        try:
            found = inside(fn, partial(make, num_sticks=self.num_sticks))
        except ValueError as error:
            raise ValueError(f"site '{name}': {error}") from error
        return cast(Distribution, found)


def _count(weights: Array) -> Array:
    return (weights * jnp.arange(weights.shape[-1])).sum(-1)
