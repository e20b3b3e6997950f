"""The part of an automatic guide at continuous sites."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro import handlers
from numpyro.distributions import (
    Distribution,
    Normal,
    TransformedDistribution,
    biject_to,
    constraints,
)
from numpyro.distributions.constraints import Constraint
from numpyro.infer.initialization import init_to_median

from numpyro_igr._host import helpful_support_errors
from numpyro_igr._numerics.checks import check_positive
from numpyro_igr._typed import Transform
from numpyro_igr.distributions.expected_one_hot import NO_DENSITY
from numpyro_igr.infer.autoguide._followed_sites import is_guided
from numpyro_igr.infer.autoguide._site_guide import SiteGuide

MISSHAPED = (
    "expected init_loc_fn to return an array of shape {} at site '{}', got one of "
    "shape {}"
)


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
        super().__init__(model)
        self.init_loc_fn, self.init_scale = init_loc_fn, init_scale

    def _started(self, model: Callable) -> Callable:
        return handlers.substitute(model, substitute_fn=self._first_value)

    # Strategies that initialize ask for the bijection, and do not name the site.
    def _first_value(self, site: dict) -> Array | None:
        if not is_guided(site):
            return self.init_loc_fn(site)
        _bijection(site)
        value, wanted = self.init_loc_fn(site), site["fn"].shape()
        if value is not None and (found := jnp.shape(value)) != wanted:
            raise ValueError(MISSHAPED.format(wanted, site["name"], found))
        return value

    def _event_dim(self, site: dict) -> int:
        bijection = _bijection(site)
        gained = bijection.codomain.event_dim - bijection.domain.event_dim
        return site["fn"].event_dim - gained

    def _start(self, site: dict) -> tuple[Array, Array]:
        loc = cast(Array, _bijection(site)._inverse(site["value"]))
        return loc, jnp.full_like(loc, self.init_scale)

    def _options(self, like: Distribution) -> Constraint | None:
        return like.support

    def _maker(self, *args: Any, **kwargs: Any) -> Callable:
        return _distribution

    def median(self, params: dict[str, Any]) -> dict[str, Array]:
        return {
            name: cast(Array, _bijection(site)(self._trained(name, params)[0]))
            for name, site in self.sites().items()
        }

    def quantiles(
        self, params: dict[str, Any], quantiles: Sequence[float] | float
    ) -> dict[str, Array]:
        found, levels = {}, jnp.array(quantiles)
        for name, site in self.sites().items():
            loc, scale = self._trained(name, params)
            at = levels.reshape((-1,) + (1,) * jnp.ndim(loc))
            u = Normal(loc, scale).icdf(at)
            found[name] = _bijection(site)(u)
        return found


def _distribution(like: Distribution, loc: Array, scale: ArrayLike) -> Distribution:
    bijection = biject_to(like.support)
    normal = Normal(loc, scale).to_event(bijection.domain.event_dim)
    if _is_real(like.support):
        return normal
    return TransformedDistribution(normal, bijection)


def _bijection(site: dict) -> Transform:
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


def _is_real(support: Constraint | None) -> bool:
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    return support is constraints.real
