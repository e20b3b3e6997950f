"""The part of an automatic guide at relaxed sites."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpyro
from jax import Array, random
from jax.typing import ArrayLike
from numpyro import handlers
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.util import periodic_repeat
from numpyro.infer.autoguide import AutoGuide

from numpyro_igr.distributions.pushforward import GaussianPushforward
from numpyro_igr.distributions.recover import innermost

OPTIONS = ("tempering", "rho", "tail")


class RelaxedGuide(AutoGuide):
    r"""A guide to the relaxed sites of a model, which are all that it has.

    Args:
        model: a model with the other sites hidden.
        temperature: as in :class:`AutoIGR`, of which this is a part.
        scale: as in :class:`AutoIGR`.
    """

    def __init__(
        self, model: Callable, temperature: ArrayLike | Callable, scale: float | None
    ) -> None:
        super().__init__(model)
        self.temperature, self.scale = temperature, scale

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        with handlers.block():
            seeded = handlers.seed(self.model, numpyro.prng_key())
            trace = handlers.trace(seeded).get_trace(*args, **kwargs)
        self.prototype_trace = {
            name: site
            for name, site in trace.items()
            if site["type"] == "sample" and not site["is_observed"]
        }

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        if self.prototype_trace is None:
            self._setup_prototype(*args, **kwargs)
        tau = self._temperature_of(*args, **kwargs)
        plates, values = self._create_plates(*args, **kwargs), {}
        for name, site in self.prototype_trace.items():
            init = partial(_full_size, site, plates)
            with ExitStack() as stack:
                for frame in site["cond_indep_stack"]:
                    stack.enter_context(plates[frame.name])
                law = self._law(name, tau, *self._parameters(name, init))
                values[name] = numpyro.sample(name, law)
        return values

    def _temperature_of(self, *args: Any, **kwargs: Any) -> ArrayLike:
        tau = self.temperature
        return tau(*args, **kwargs) if callable(tau) else tau

    # The first values are computed only when they are asked for: those of a prototype
    # that was traced by jit are of no use later.
    def _parameters(self, name: str, init: Callable) -> tuple[Array, ArrayLike]:
        loc_name, scale_name = self._names(name)
        event_dim = {"event_dim": self.prototype_trace[name]["fn"].event_dim}
        loc = numpyro.param(loc_name, lambda _: init(), **event_dim)
        if self.scale is not None:
            return loc, self.scale
        positive = event_dim | {"constraint": constraints.softplus_positive}
        return loc, numpyro.param(
            scale_name, lambda _: jnp.ones_like(init()), **positive
        )

    def _names(self, name: str) -> tuple[str, str]:
        return f"{name}_{self.prefix}_loc", f"{name}_{self.prefix}_scale"

    def _law(
        self, name: str, temperature: ArrayLike, loc: Array, scale: ArrayLike
    ) -> Distribution:
        like = self.prototype_trace[name]["fn"]
        law = _alike(innermost(like), temperature, loc, scale)
        return law.to_event(like.event_dim - law.event_dim)

    def _trained(
        self, params: dict[str, Any], temperature: ArrayLike = 1.0
    ) -> dict[str, Distribution]:
        laws = {}
        for name in self.prototype_trace:
            loc, scale = self._names(name)
            scale = params[scale] if self.scale is None else self.scale
            laws[name] = self._law(name, temperature, params[loc], scale)
        return laws

    def sample_posterior(
        self,
        rng_key: Array,
        params: dict[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        laws = self._trained(params, self._temperature_of(*args, **kwargs)).items()
        keys = random.split(rng_key, len(laws))
        return {
            name: law.sample(key, sample_shape)
            for key, (name, law) in zip(keys, laws, strict=True)
        }

    def median(self, params: dict[str, Any]) -> dict[str, Array]:
        laws = self._trained(params).items()
        return {name: innermost(law).probs for name, law in laws}

    def quantiles(
        self, params: dict[str, Any], quantiles: Sequence[float]
    ) -> dict[str, Array]:
        probs, shape = self.median(params).items(), (len(quantiles),)
        return {name: jnp.broadcast_to(p, shape + p.shape) for name, p in probs}


def _alike(
    law: GaussianPushforward, temperature: ArrayLike, loc: Array, scale: ArrayLike
) -> GaussianPushforward:
    """A law of the same family and options, with other parameters."""
    options = {name: getattr(law, name) for name in OPTIONS if hasattr(law, name)}
    return type(law)(temperature, loc, scale, **options)


def _full_size(site: dict, plates: dict[str, numpyro.plate]) -> Array:
    """The means of a site, those of a subsample repeated to its plates' full size."""
    law = innermost(site["fn"])
    shape = site["fn"].shape()[:-1] + law.loc.shape[-1:]
    loc = jnp.broadcast_to(law.loc, shape)
    for frame in site["cond_indep_stack"]:
        full_size = plates[frame.name].size
        if full_size != frame.size:
            dim = frame.dim - site["fn"].event_dim
            loc = periodic_repeat(loc, full_size, dim)
    return loc
