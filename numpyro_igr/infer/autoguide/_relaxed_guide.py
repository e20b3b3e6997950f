"""The part of an automatic guide at relaxed sites."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.infer.autoguide._scales import Scale
from numpyro_igr.infer.autoguide._site_guide import SiteGuide


class RelaxedGuide(SiteGuide):
    r"""A guide to the relaxed sites of a model, which are all that it has.

    Args:
        model: a model with the other sites hidden.
        temperature: as in :class:`AutoIGR`, of which this is a part.
        scale: as in :class:`AutoIGR`.
    """

    def __init__(
        self,
        model: Callable,
        temperature: ArrayLike | Callable,
        scale: Scale,
    ) -> None:
        super().__init__(model, scale)
        self.temperature = temperature

    def _start(self, site: dict) -> tuple[Array, Array]:
        like = innermost(site["fn"])
        shape = site["fn"].shape()[:-1] + (like.event_shape[0] - 1,)
        return jnp.broadcast_to(like.loc, shape), jnp.broadcast_to(like.scale, shape)

    def _options(self, like: GaussianPushforward) -> dict[str, Any]:
        return like.options_in_use()

    def _maker(self, *args: Any, **kwargs: Any) -> Callable:
        given = self.temperature
        tau = given(*args, **kwargs) if callable(given) else given
        return lambda like, loc, scale: like.like(tau, loc, scale)

    def median(self, params: dict[str, Any]) -> dict[str, Array]:
        """At a relaxed site: its discrete probabilities, ``batch + (K,)``."""
        return {
            name: innermost(site["fn"]).like(1.0, *self._trained(name, params)).probs
            for name, site in self.sites().items()
        }

    def quantiles(
        self, params: dict[str, Any], quantiles: Sequence[float] | float
    ) -> dict[str, Array]:
        """At a relaxed site: as ``median``, for every q: ``(Q,) + batch + (K,)``."""
        probs, shape = self.median(params).items(), (jnp.size(jnp.array(quantiles)),)
        return {name: jnp.broadcast_to(p, shape + p.shape) for name, p in probs}


def is_relaxed(site: dict) -> bool:
    """Whether a relaxed distribution is at a site.

    Args:
        site: of a trace of the model.
    """
    return isinstance(innermost(site["fn"]), GaussianPushforward)
