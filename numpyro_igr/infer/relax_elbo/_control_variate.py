"""The control variate of RELAX, and the two factors of each of its terms."""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpyro
from jax import Array, lax
from numpyro.distributions import constraints

from numpyro_igr._host import MultiFrameTensor
from numpyro_igr._numerics.shapes import check_numbers
from numpyro_igr.infer.relax_elbo._names import names_of
from numpyro_igr.infer.relax_elbo._particle import Particle
from numpyro_igr.infer.relax_elbo.control_network import ControlNetwork

Values = dict[str, Array]
UNTRAINED = (
    "The control variate is not trained: its parameters, as {}, are not among those "
    "of model and guide. Use SVI(model, elbo.with_parameters(guide), optim, elbo), or "
    "give name= where another engine has trained them."
)


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

    def declare(self, sites: dict[str, dict]) -> None:
        """Makes the ``param`` statements of a control variate.

        Args:
            sites: the discrete sites, of a trace of the guide.
        """
        self._parameters()
        self._learned({name: site["value"] for name, site in sites.items()}, sites)

    def weights(self, particle: Particle) -> list[Array]:
        r"""At each site :math:`f(h) - c(\tilde y)`, c'(y) and :math:`-c'(\tilde y)`.

        They multiply :meth:`Particle.factors`. Here f is the ELBO and c this control
        variate, in whose parameters they have gradients.
        """
        noises, sites, costs = particle.noises, particle.sites(), particle.costs()
        pairs = {n: jnp.stack([x.y, x.y_given_category]) for n, x in noises.items()}
        slopes, all_costs = self._evaluate(particle, pairs)
        costs_given = MultiFrameTensor(*((f, c[1]) for f, c in all_costs.items()))
        found = []
        for name in noises:
            frames = sites[name]["cond_indep_stack"]
            signal = costs.sum_to(frames) - costs_given.sum_to(frames)
            found += [signal, slopes[name][0], -slopes[name][1]]
        return found

    def _evaluate(
        self, particle: Particle, pairs: Values
    ) -> tuple[Values, dict[frozenset, Array]]:
        """Slopes and costs at both members of each pair."""

        def total(y: Values) -> tuple[Array, dict[frozenset, Array]]:
            costs = dict(self._costs(particle, y))
            return cast(Array, sum(cost.sum() for cost in costs.values())), costs

        slopes_and_costs = jax.vmap(jax.grad(total, has_aux=True))
        return slopes_and_costs(lax.stop_gradient(pairs))

    def _costs(self, particle: Particle, y: Values) -> MultiFrameTensor:
        scale, temperature = self._parameters()
        z = {
            name: noise.relax(y[name], temperature)
            for name, noise in particle.noises.items()
        }
        costs = MultiFrameTensor(
            *((frames, scale * cost) for frames, cost in particle.costs(z).items())
        )
        costs.add(*self._learned(z, particle.sites()).items())
        return costs

    def _learned(self, z: Values, sites: dict[str, dict]) -> MultiFrameTensor:
        if self.function is None:
            return MultiFrameTensor()
        if isinstance(self.function, ControlNetwork):
            return self.function.terms(z, sites, self.names)
        value = self.function(z)
        return MultiFrameTensor((_frames_of(value, sites), value))

    def _parameters(self) -> tuple[Array, Array]:
        scale = numpyro.param(self.names.scale, 1.0)
        start, positive = self.temperature, constraints.positive
        tau = numpyro.param(self.names.temperature, start, constraint=positive)
        return cast(Array, scale), cast(Array, tau)


def _frames_of(value: Array, sites: dict[str, dict]) -> list:
    """The plates that the dimensions of a control variate belong to."""
    if not isinstance(value, Array):
        raise TypeError(f"expected control_variate to return an array, got {value!r}")
    frames = {
        frame.dim: frame
        for site in sites.values()
        for frame in site["cond_indep_stack"]
    }
    sizes = dict(zip(range(-value.ndim, 0), value.shape, strict=True))
    wide = {dim: size for dim, size in sizes.items() if size != 1}
    for dim, size in wide.items():
        if dim not in frames or frames[dim].size != size:
            raise ValueError(
                "expected control_variate to return one value for every element of "
                f"the plates around the discrete sites, got shape {value.shape}"
            )
    return [frames[dim] for dim in wide]
