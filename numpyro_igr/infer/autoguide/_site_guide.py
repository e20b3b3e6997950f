"""The part of an automatic guide that has a distribution for each of its sites."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

import jax
import numpyro
from jax import Array, lax, random
from jax.typing import ArrayLike
from numpyro import handlers
from numpyro.distributions import Distribution, constraints
from numpyro.infer.autoguide import AutoGuide

from numpyro_igr._host import not_jax_tracer, periodic_repeat
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.infer.autoguide._masked_sites import outside_mask
from numpyro_igr.infer.autoguide._scales import Scale
from numpyro_igr.infer.autoguide._sizes import plate_sizes


class SiteGuide(AutoGuide):
    """A guide that samples each site of a model from a Gaussian through a bijection.

    A member says where the Gaussian of a site starts, by ``_start``, and what becomes
    of it, by ``_maker``.

    Args:
        model: a model with the other sites hidden.
        scale: the standard deviation of the Gaussians: a number, "learned", or None
            for the one that they start at, held.
    """

    def __init__(self, model: Callable, scale: Scale = "learned") -> None:
        super().__init__(model)
        self.scale = scale

    # The first mean and standard deviation at a site.
    def _start(self, site: dict) -> tuple[Array, Array]:
        raise NotImplementedError

    # A function of the model's distribution, of a mean and of a standard deviation.
    def _maker(self, *args: Any, **kwargs: Any) -> Callable:
        raise NotImplementedError

    # What such a function uses of the model's distribution.
    def _options(self, like: Distribution) -> Any:
        raise NotImplementedError

    def _event_dim(self, site: dict) -> int:
        return site["fn"].event_dim

    def sites(self) -> dict[str, dict]:
        """The sites by name, as they were in the first run of the model."""
        return self.prototype_trace

    # What jit has traced is of no use in another call.
    def prepare(self, *args: Any, **kwargs: Any) -> None:
        """Runs the model, unless an earlier run has told what there is to know of it.

        Args:
            args: of the model.
            kwargs: of the model.
        """
        if self.prototype_trace is None or self._is_traced:
            self._setup_prototype(*args, **kwargs)

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        with handlers.block():
            seeded = handlers.seed(self.model, numpyro.prng_key())
            trace = handlers.trace(self._started(seeded)).get_trace(*args, **kwargs)
        sites = {n: s for n, s in trace.items() if s["type"] == "sample"}
        self.prototype_trace = {n: s for n, s in sites.items() if not s["is_observed"]}
        self._prototype_frame_full_sizes = plate_sizes(trace)
        used = [self._used(site) for site in self.sites().values()]
        self._is_traced = not all(map(not_jax_tracer, jax.tree.leaves(used)))

    # What it uses of the first run of the model.
    def _used(self, site: dict) -> Any:
        options = self._options(innermost(site["fn"]))
        return (options, self._start(site)[1]) if self.scale is None else options

    def _started(self, model: Callable) -> Callable:
        return model

    def distributions(self, *args: Any, **kwargs: Any) -> Callable:
        """The function that returns the distribution at a site.

        Its arguments are the name of the site, the distribution that the model has
        there, without masks and event dimensions, and the mask over its batch.

        Args:
            args: of the model.
            kwargs: of the model.
        """
        make = self._maker(*args, **kwargs)
        return lambda name, like, mask=True: make(
            like, *outside_mask(mask, like, *self._gaussian(name))
        )

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        self.prepare(*args, **kwargs)
        at = self.distributions(*args, **kwargs)
        plates, values = self._create_plates(*args, **kwargs), {}
        for name, site in self.sites().items():
            with ExitStack() as stack:
                for frame in site["cond_indep_stack"]:
                    stack.enter_context(plates[frame.name])
                like = site["fn"]
                distribution = _with_events(at(name, innermost(like)), like)
                values[name] = numpyro.sample(name, distribution)
        return values

    # First values are computed only when they are asked for.
    def _gaussian(self, name: str) -> tuple[Array, ArrayLike]:
        site, names = self.sites()[name], self._names(name)
        event_dim = {"event_dim": self._event_dim(site)}

        def start(i: int) -> Callable:
            return lambda _: self._full_size(self._start(site)[i], site)

        loc = cast(Array, numpyro.param(names[0], start(0), **event_dim))
        if not isinstance(self.scale, str):
            return loc, self._fixed_scale(site)
        positive = event_dim | {"constraint": constraints.softplus_positive}
        return loc, cast(Array, numpyro.param(names[1], start(1), **positive))

    def _fixed_scale(self, site: dict) -> ArrayLike:
        if self.scale is not None:
            return cast(float, self.scale)
        full = self._full_size(lax.stop_gradient(self._start(site)[1]), site)
        return numpyro.subsample(full, event_dim=self._event_dim(site))

    def _names(self, name: str) -> tuple[str, str]:
        return f"{name}_{self.prefix}_loc", f"{name}_{self.prefix}_scale"

    # The parameters of a subsample, repeated to the full size of its plates.
    def _full_size(self, x: Array, site: dict) -> Array:
        for frame in site["cond_indep_stack"]:
            full_size = self._prototype_frame_full_sizes.get(frame.name, frame.size)
            if full_size != frame.size:
                dim = frame.dim - self._event_dim(site)
                x = periodic_repeat(x, full_size, dim)
        return x

    def _trained(self, name: str, params: dict[str, Any]) -> tuple[Array, ArrayLike]:
        loc, scale = self._names(name)
        if isinstance(self.scale, str):
            return params[loc], params[scale]
        return params[loc], self._fixed_scale(self.sites()[name])

    def sample_posterior(
        self,
        rng_key: Array,
        params: dict[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        make, samples = self._maker(*args, **kwargs), {}
        keys = random.split(rng_key, len(self.sites()))
        for key, (name, site) in zip(keys, self.sites().items(), strict=True):
            found = make(innermost(site["fn"]), *self._trained(name, params))
            samples[name] = _with_events(found, site["fn"]).sample(key, sample_shape)
        return samples


def _with_events(distribution: Distribution, like: Distribution) -> Distribution:
    return distribution.to_event(like.event_dim - distribution.event_dim)
