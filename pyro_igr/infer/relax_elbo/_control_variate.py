"""The control variate of RELAX, and the two factors of each of its terms."""

from collections.abc import Callable
from typing import Any, cast

import pyro
import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn import Module

from pyro_igr._host import MultiFrameTensor
from pyro_igr._numerics.shapes import check_numbers
from pyro_igr._typed import Message
from pyro_igr.infer.relax_elbo._names import names_of
from pyro_igr.infer.relax_elbo._particle import Particle
from pyro_igr.infer.relax_elbo.control_network import ControlNetwork

Values = dict[str, Tensor]


class ControlVariate:
    """The ELBO at relaxed values, scaled, plus a function of them.

    Args:
        function: of the relaxed values by site, a network, or None.
        temperature: where the learned temperature starts.
        name: what the names of its parameters begin with, or None.

    Raises:
        TypeError: if ``temperature`` is no real number.
        ValueError: if an argument is none of these.
    """

    def __init__(
        self,
        function: Callable | ControlNetwork | None,
        temperature: float,
        name: str | None,
    ) -> None:
        is_network = isinstance(function, ControlNetwork)
        is_function = callable(function) and not isinstance(function, type)
        if not (function is None or is_network or is_function):
            raise ValueError(
                "expected control_variate to be a function, a ControlNetwork or None, "
                f"got {function!r}"
            )
        check_numbers(temperature=temperature)
        if not temperature > 0:
            raise ValueError(f"expected temperature to be positive, got {temperature}")
        self.function, self.temperature = function, temperature
        self.names = names_of(name)

    # One that is unpickled takes its names in the process that it comes to.
    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        names_of(self.names.prefix)

    def weights(self, particle: Particle) -> list[Tensor]:
        r"""At each site :math:`f(h) - c(\tilde y)`, c'(y) and :math:`-c'(\tilde y)`.

        They multiply :meth:`Particle.factors`. Here f is the ELBO and c this control
        variate, in whose parameters they have gradients.
        """
        noises, sites, costs = particle.noises, particle.sites(), particle.costs()
        _, slopes = self._evaluate(particle, {n: x.y for n, x in noises.items()})
        given = {name: noise.y_given_category for name, noise in noises.items()}
        costs_given, slopes_given = self._evaluate(particle, given)
        found = []
        for name in noises:
            frames = sites[name]["cond_indep_stack"]
            signal = costs.sum_to(frames).detach() - costs_given.sum_to(frames)
            found += [signal, slopes[name], -slopes_given[name]]
        return found

    def _evaluate(
        self, particle: Particle, y: Values
    ) -> tuple[MultiFrameTensor, Values]:
        leaves = {name: value.detach().requires_grad_() for name, value in y.items()}
        costs = self._costs(particle, leaves)
        total = cast(Tensor, sum(cost.sum() for cost in costs.values()))
        slopes = torch.autograd.grad(
            total, list(leaves.values()), create_graph=True, materialize_grads=True
        )
        return costs, dict(zip(leaves, slopes, strict=True))

    def _costs(self, particle: Particle, y: Values) -> MultiFrameTensor:
        scale, temperature = self._parameters(next(iter(y.values())))
        z = {
            name: noise.relax(y[name], temperature)
            for name, noise in particle.noises.items()
        }
        costs = MultiFrameTensor(
            *((frames, scale * cost) for frames, cost in particle.costs(z).items())
        )
        costs.add(*self._learned(z, particle.sites()).items())
        return costs

    def _learned(self, z: Values, sites: dict[str, Message]) -> MultiFrameTensor:
        if self.function is None:
            return MultiFrameTensor()
        if isinstance(self.function, ControlNetwork):
            return self.function.terms(z, sites, self.names)
        value = self._call(z)
        return MultiFrameTensor((_frames_of(value, sites), value))

    def _parameters(self, like: Tensor) -> tuple[Tensor, Tensor]:
        scale = pyro.param(self.names.scale, lambda: like.new_ones(()))
        start = like.new_tensor(self.temperature)
        return scale, pyro.param(self.names.temperature, start, constraints.positive)

    def _call(self, z: Values) -> Tensor:
        if isinstance(self.function, Module):
            return pyro.module(self.names.prefix, self.function)(z)
        return cast(Callable, self.function)(z)


def _frames_of(value: Tensor, sites: dict[str, Message]) -> list:
    """The plates that the dimensions of a control variate belong to."""
    if not isinstance(value, Tensor):
        raise TypeError(f"expected control_variate to return a tensor, got {value!r}")
    frames = {
        frame.dim: frame
        for site in sites.values()
        for frame in site["cond_indep_stack"]
        if frame.vectorized
    }
    sizes = dict(zip(range(-value.dim(), 0), value.shape, strict=True))
    wide = {dim: size for dim, size in sizes.items() if size != 1}
    for dim, size in wide.items():
        if dim not in frames or frames[dim].size != size:
            raise ValueError(
                "expected control_variate to return one value for every element of "
                f"the plates around the discrete sites, got shape {tuple(value.shape)}"
            )
    return [frames[dim] for dim in wide]
