"""A reparameterizer that relaxes one discrete site, for the host's ``reparam``."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pyro
import torch
from pyro.distributions import Delta
from pyro.infer.reparam.reparam import Reparam
from torch import Tensor
from torch.distributions import Distribution as AnyDistribution

from pyro_igr._host import is_given
from pyro_igr._numerics.checks import check_positive
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr._typed import Distribution
from pyro_igr.distributions import IGRStickBreaking, InfiniteIGR
from pyro_igr.distributions._counts import check_concrete
from pyro_igr.distributions.recovering import innermost, inside
from pyro_igr.handlers._categories import is_category, log_probs_of
from pyro_igr.handlers._fit import (
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
        >>> import pyro, torch
        >>> from pyro.distributions import OneHotCategorical
        >>> from pyro_igr import IGRReparam
        >>> def model():
        ...     return pyro.sample("z", OneHotCategorical(torch.ones(3) / 3))
        >>> relaxed = pyro.poutine.reparam(model, config={"z": IGRReparam(0.1)})
        >>> relaxed().shape
        torch.Size([3])
    """

    def __init__(
        self,
        temperature: Tensor | float,
        *,
        family: Callable[..., Distribution] = IGRStickBreaking,
        one_hot: bool = False,
        num_sticks: int | None = None,
    ) -> None:
        check_positive(temperature=temperature)
        check_family(family)
        check_flag(one_hot=one_hot)
        check_num_sticks(num_sticks)
        self.temperature: Tensor | float = temperature
        self.family: Callable[..., Distribution] = family
        self.one_hot: bool = one_hot
        self.num_sticks: int | None = num_sticks

    def apply(self, msg: dict[str, Any]) -> dict[str, Any]:
        if msg["is_observed"]:
            raise ValueError(f"expected site '{msg['name']}' to be latent")
        name, fn = msg["name"], msg["fn"]
        check_temperature_fits(name, self.temperature, fn)
        if not is_category(name, innermost(fn), one_hot=self.one_hot):
            if is_given(name) and not is_given(f"{name}_weights"):
                raise ValueError(COUNT.format(name))
            value = _count(pyro.sample(f"{name}_weights", self._of_counts(name, fn)))
            every = value.expand(broadcast_shapes(value.shape, fn.shape()))
            fn = Delta(every, event_dim=fn.event_dim).mask(mask=False)
            return {"fn": fn, "value": value, "is_observed": True}
        made = inside(fn, partial(self._matched, name))
        check_batch(name, made, fn)
        return {"fn": made, "value": msg["value"], "is_observed": False}

    def _matched(self, name: str, distribution: Distribution) -> Distribution:
        """The member of the family with the probabilities of a distribution."""
        make: Any = getattr(self.family, "from_probs", self.family)
        try:
            logits = log_probs_of(distribution)
            like: Any = {"dtype": logits.dtype, "device": logits.device}
            made = make(torch.as_tensor(self.temperature, **like), logits=logits)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(UNFIT.format(name, self.family, error)) from error
        if not isinstance(made, AnyDistribution):
            raise TypeError(FAMILY.format(f"one that returns {made!r}"))
        return made

    def _of_counts(self, name: str, fn: Distribution) -> Distribution:
        make = partial(InfiniteIGR.from_discrete, self.temperature)
        try:
            check_concrete(innermost(fn), self.num_sticks)
            made = inside(fn, partial(make, num_sticks=self.num_sticks))
        except ValueError as error:
            raise ValueError(f"site '{name}': {error}") from error
        return cast(Distribution, made)


def _count(weights: Tensor) -> Tensor:
    return (weights * torch.arange(weights.shape[-1], device=weights.device)).sum(-1)
