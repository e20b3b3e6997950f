"""The part of an automatic guide that has a distribution for each of its sites."""

from collections.abc import Callable
from contextlib import ExitStack
from operator import attrgetter
from typing import Any, cast

import pyro
from pyro.distributions import constraints
from pyro.infer.autoguide import AutoGuide
from pyro.nn import PyroModule, PyroParam
from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._host import deep_setattr, periodic_repeat
from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.recovering import innermost
from pyro_igr.infer.autoguide._masked_sites import outside_mask
from pyro_igr.infer.autoguide._scales import Scale
from pyro_igr.infer.autoguide._sizes import full_size

STALE = (
    "the parameter store has means of shape {} for site '{}', whose shape is {} now: "
    "make a new guide after pyro.clear_param_store() or under "
    "pyro.settings.set(module_local_params=True)"
)


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
        self.locs, self.scales = PyroModule(), PyroModule()

    # The first mean and standard deviation at a site.
    def _start(self, site: Message) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    # A function of the model's distribution, of a mean and of a standard deviation.
    def _maker(self, *args: Any, **kwargs: Any) -> Callable:
        raise NotImplementedError

    def _event_dim(self, site: Message) -> int:
        return site["fn"].event_dim

    def sites(self) -> dict[str, Any]:
        """The sites by name, as they were in the first run of the model."""
        trace = cast(Trace, self.prototype_trace)
        return dict(trace.iter_stochastic_nodes())

    def prepare(self, *args: Any, **kwargs: Any) -> None:
        """Runs the model, unless an earlier run has told what there is to know of it.

        Args:
            args: of the model.
            kwargs: of the model.
        """
        if self.prototype_trace is None:
            self._setup_prototype(*args, **kwargs)

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_prototype(*args, **kwargs)
        for name, site in self.sites().items():
            loc, scale = (self._full_size(x.detach(), site) for x in self._start(site))
            event_dim = self._event_dim(site)
            deep_setattr(self.locs, name, PyroParam(loc, constraints.real, event_dim))
            held, wanted = (tuple(x.shape) for x in (attrgetter(name)(self.locs), loc))
            if held != wanted:
                raise ValueError(STALE.format(held, name, wanted))
            if isinstance(self.scale, str):
                scale = PyroParam(scale, constraints.softplus_positive, event_dim)
                deep_setattr(self.scales, name, scale)

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

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        self.prepare(*args, **kwargs)
        at = self.distributions(*args, **kwargs)
        plates, values = self._create_plates(*args, **kwargs), {}
        for name, site in self.sites().items():
            with ExitStack() as stack:
                for frame in site["cond_indep_stack"]:
                    stack.enter_context(plates[frame.name])
                like = site["fn"]
                distribution = _with_events(at(name, innermost(like)), like)
                values[name] = pyro.sample(name, distribution)
        return values

    def _gaussian(self, name: str) -> tuple[Tensor, Tensor | float]:
        at = attrgetter(name)
        if isinstance(self.scale, str):
            return at(self.locs), at(self.scales)
        return at(self.locs), self._fixed_scale(self.sites()[name])

    def _fixed_scale(self, site: Message) -> Tensor | float:
        if self.scale is not None:
            return cast(float, self.scale)
        full = self._full_size(self._start(site)[1].detach(), site)
        return cast(Tensor, pyro.subsample(full, event_dim=self._event_dim(site)))

    # The parameters of a subsample, repeated to the full size of its plates.
    def _full_size(self, x: Tensor, site: Message) -> Tensor:
        for frame in site["cond_indep_stack"]:
            full = full_size(frame)
            if full != frame.size:
                x = periodic_repeat(x, full, frame.dim - self._event_dim(site))
        return x.contiguous()


def _with_events(distribution: Distribution, like: Distribution) -> Distribution:
    return distribution.to_event(like.event_dim - distribution.event_dim)
