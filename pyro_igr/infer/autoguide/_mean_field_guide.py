"""The part of an automatic guide at continuous sites."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from pyro.distributions import Normal, constraints
from pyro.infer.autoguide.initialization import init_to_median
from torch import Tensor
from torch.distributions import biject_to
from torch.distributions.constraints import Constraint

from pyro_igr._host import InitMessenger, helpful_support_errors
from pyro_igr._numerics.checks import check_positive
from pyro_igr._typed import Distribution, Message, Transform, TransformedDistribution
from pyro_igr.distributions.expected_one_hot import NO_DENSITY
from pyro_igr.infer.autoguide._site_guide import SiteGuide

MISSHAPED = "expected init_loc_fn to return a tensor of shape {} at site '{}', got {}"


class MeanFieldGuide(SiteGuide):
    r"""A guide to continuous sites by independent Gaussians, without auxiliary sites.

    .. math::
        x = T(u), \qquad u \sim N(\mu, \text{diag}(\sigma^2))

    with T the host's bijection onto the support of the site. The site itself is sampled
    from a ``TransformedDistribution``, or from a ``Normal`` if the support is all
    reals. So a mean-field ELBO uses the closed-form KL to a Normal prior, and estimates
    other KLs without bias.

    Args:
        model: a model with the other sites hidden.
        init_loc_fn: where the means start, as in the host's ``AutoNormal``.
        init_scale: the first standard deviation of each Gaussian.

    Raises:
        TypeError: if ``init_scale`` is no real number.
        ValueError: if ``init_scale`` is not positive; in the first run if a value of
            ``init_loc_fn`` has not the shape of its site.
        NotImplementedError: at a site onto whose support the host has no bijection.

    Source:
        Kucukelbir et al. (2017), mean-field ADVI.
    """

    def __init__(
        self,
        model: Callable,
        *,
        init_loc_fn: Callable = init_to_median,
        init_scale: float = 0.1,
    ) -> None:
        check_positive(validate_args=True, init_scale=init_scale)
        first = partial(_first_value, init_loc_fn)
        super().__init__(InitMessenger(first)(model))
        self.init_scale = init_scale

    def _event_dim(self, site: Message) -> int:
        bijection = _bijection(site)
        gained = bijection.codomain.event_dim - bijection.domain.event_dim
        return site["fn"].event_dim - gained

    def _start(self, site: Message) -> tuple[Tensor, Tensor]:
        loc = _bijection(site).inv(site["value"].detach())
        return loc, torch.full_like(loc, self.init_scale)

    def _maker(self, *args: Any, **kwargs: Any) -> Callable:
        return _distribution

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        return {
            name: _bijection(site)(self._gaussian(name)[0]).clone()
            for name, site in self.sites().items()
        }

    @torch.no_grad()
    def quantiles(
        self, quantiles: Sequence[float] | float, *args: Any, **kwargs: Any
    ) -> dict[str, Tensor]:
        found = {}
        for name, site in self.sites().items():
            loc, scale = self._gaussian(name)
            levels = torch.as_tensor(quantiles, dtype=loc.dtype, device=loc.device)
            u = Normal(loc, scale).icdf(levels.reshape((-1,) + (1,) * loc.dim()))
            found[name] = _bijection(site)(u)
        return found


# A cached bijection gives a value its own Gaussian back: the inverse of a sigmoid that
# has rounded to 1 would be another.
def _distribution(like: Distribution, loc: Tensor, scale: Tensor) -> Distribution:
    bijection = biject_to(like.support)
    normal = Normal(loc, scale).to_event(bijection.domain.event_dim)
    if _is_real(like.support):
        return normal
    return TransformedDistribution(normal, [bijection.with_cache()])


# The host's own error is empty.
def _first_value(init_loc_fn: Callable, site: Message) -> Tensor | None:
    value, wanted = init_loc_fn(site), tuple(site["fn"].shape())
    shape = tuple(value.shape) if isinstance(value, Tensor) else None
    if value is not None and shape != wanted:
        found = type(value).__name__ if shape is None else f"one of shape {shape}"
        raise ValueError(MISSHAPED.format(wanted, site["name"], found))
    return value


def _bijection(site: Message) -> Transform:
    support = site["fn"].support
    try:
        with helpful_support_errors(site):
            return biject_to(support)
    except NotImplementedError as error:
        if NO_DENSITY in error.args:
            raise
        raise NotImplementedError(
            f"the host has no bijection onto the support of site '{site['name']}', "
            f"{support}: pass a guide of that site as continuous"
        ) from error


def _is_real(support: Constraint) -> bool:
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    return support is constraints.real
