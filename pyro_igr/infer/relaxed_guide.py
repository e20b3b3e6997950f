"""The part of an automatic guide at relaxed sites."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from operator import attrgetter
from typing import Any

import pyro
import torch
from pyro.distributions import Distribution, constraints
from pyro.infer.autoguide import AutoGuide
from pyro.infer.autoguide.utils import deep_setattr
from pyro.nn import PyroModule, PyroParam
from pyro.ops.tensor_utils import periodic_repeat
from torch import Tensor
from torch.distributions.constraints import Constraint

from pyro_igr.distributions.pushforward import GaussianPushforward
from pyro_igr.distributions.recover import innermost

OPTIONS = ("tempering", "rho", "tail")


class RelaxedGuide(AutoGuide):
    r"""A guide to the relaxed sites of a model, which are all that it has.

    Args:
        model: a model with the other sites hidden.
        temperature: as in :class:`AutoIGR`, of which this is a part.
        scale: as in :class:`AutoIGR`.
    """

    def __init__(
        self,
        model: Callable,
        temperature: Tensor | float | Callable,
        scale: float | None,
    ) -> None:
        super().__init__(model)
        self.temperature, self.scale = temperature, scale
        self.locs, self.scales = PyroModule(), PyroModule()

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_prototype(*args, **kwargs)
        for name, site in self.prototype_trace.iter_stochastic_nodes():
            loc = _full_size(innermost(site["fn"]).loc.detach(), site)
            self._register(self.locs, name, loc, constraints.real)
            if self.scale is None:
                ones, positive = torch.ones_like(loc), constraints.softplus_positive
                self._register(self.scales, name, ones, positive)

    def _register(
        self, module: PyroModule, name: str, value: Tensor, constraint: Constraint
    ) -> None:
        event_dim = self.prototype_trace.nodes[name]["fn"].event_dim
        deep_setattr(module, name, PyroParam(value, constraint, event_dim))

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        if self.prototype_trace is None:
            self._setup_prototype(*args, **kwargs)
        tau = self.temperature
        tau = tau(*args, **kwargs) if callable(tau) else tau
        plates, values = self._create_plates(*args, **kwargs), {}
        for name, site in self.prototype_trace.iter_stochastic_nodes():
            with ExitStack() as stack:
                for frame in site["cond_indep_stack"]:
                    stack.enter_context(plates[frame.name])
                values[name] = pyro.sample(name, self._law(name, tau))
        return values

    def _law(self, name: str, temperature: Tensor | float) -> Distribution:
        site, scale = attrgetter(name), self.scale
        scale = site(self.scales) if scale is None else scale
        like = self.prototype_trace.nodes[name]["fn"]
        law = _alike(innermost(like), temperature, site(self.locs), scale)
        return law.to_event(like.event_dim - law.event_dim)

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        names = [name for name, _ in self.prototype_trace.iter_stochastic_nodes()]
        return {name: innermost(self._law(name, 1.0)).probs for name in names}

    @torch.no_grad()
    def quantiles(
        self, quantiles: Sequence[float], *args: Any, **kwargs: Any
    ) -> dict[str, Tensor]:
        probs = self.median().items()
        return {name: p.expand(len(quantiles), *p.shape) for name, p in probs}


def _alike(
    law: GaussianPushforward,
    temperature: Tensor | float,
    loc: Tensor,
    scale: Tensor | float,
) -> GaussianPushforward:
    """A law of the same family and options, with other parameters."""
    options = {name: getattr(law, name) for name in OPTIONS if hasattr(law, name)}
    return type(law)(temperature, loc, scale, **options)


def _full_size(loc: Tensor, site: dict) -> Tensor:
    """The means of a subsample, repeated to the full size of its plates."""
    for frame in site["cond_indep_stack"]:
        full_size = frame.full_size or frame.size
        dim = frame.dim - site["fn"].event_dim
        if full_size != frame.size:
            loc = periodic_repeat(loc, full_size, dim)
    return loc.contiguous()
