"""RELAX and REBAR: unbiased gradients of the discrete ELBO."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

import jax
import jax.numpy as jnp
from jax import Array, lax, random
from numpyro.handlers import seed, substitute, trace
from numpyro.infer.elbo import ELBO

from numpyro_igr._host import get_importance_trace
from numpyro_igr._numerics.checks import check_size
from numpyro_igr.infer._last_pair import LastPair
from numpyro_igr.infer._options import ELBOOptions
from numpyro_igr.infer.relax_elbo._control_variate import UNTRAINED, ControlVariate
from numpyro_igr.infer.relax_elbo._noisy_site import discrete_sites
from numpyro_igr.infer.relax_elbo._particle import Particle, check_independence
from numpyro_igr.infer.relax_elbo._slopes import (
    dot,
    slopes_of_variance,
    with_gradient,
)
from numpyro_igr.infer.relax_elbo.control_network import ControlNetwork

NETWORK = ControlNetwork()


class TraceRELAX_ELBO(ELBO):
    r"""Unbiased gradients of the discrete ELBO, by RELAX or REBAR.

    The bound is that of the discretized model, with f(h) its value at one-hot h,

    .. math:: E_{h \sim q} f(h), \qquad f(h) = \log p(x, h) - \log q(h)

    where h = H(y) is the category of continuous noise y, and :math:`\tilde y` is a new
    draw given that :math:`H(\tilde y) = h`. For any control variate c the estimator

    .. math::
        (f(h) - c(\tilde y)) \nabla \log q(h) + \nabla c(y) - \nabla c(\tilde y)
        + \nabla \log p(x, h)

    is unbiased. Here :math:`c(y) = \eta f(z) + r(z)`, where z is y relaxed at a learned
    temperature, and one-hot log-probabilities are linear in z. Without r this is REBAR;
    with a learned r it is RELAX. The parameters of c are :math:`\eta` (``NAME_scale``),
    the temperature (``NAME_temperature``) and those of r. They minimize the squared
    norm of the guide's gradient, whose mean is the variance up to a constant.

    Discrete sites of the guide may be ``IGR``, ``ExpIGR``, ``IGRStickBreaking``
    ("sticks"), Gumbel-Softmax or its logarithm, whose own temperatures do not matter,
    or one-hot. In the model they have any relaxed or one-hot distribution. Other sites
    of the guide must be reparameterized, and none may depend on a discrete site. The
    learning signal of an element of a plate is the sum of the terms of that element.

    In NumPyro SVI finds parameters only in programs: pass ``with_parameters(guide)`` to
    it as the guide. There the loss has first derivatives only.

    Units:
        The loss is in nats.

    Args:
        num_particles: how many samples the bound averages, 1 by default.
        control_variate: r, a :class:`ControlNetwork`, None for REBAR, or a function of
            the relaxed points by site, which may contain ``param`` statements; its
            value has a dimension for each plate around the sites, or none.
        temperature: the initial value of the learned temperature.
        name: NAME, which identifies the parameters in other engines and in checkpoints.
            None for the first of "relax", "relax_2" and so on that is free so far.
        kwargs: as for the host's ``ELBO``.

    Raises:
        TypeError: if ``temperature`` is no real number.
        ValueError: if an argument is out of range, if a site of the guide depends on a
            discrete one or has no pathwise gradient, if the model has a latent site
            that the guide lacks, or if a site is continuous in one of them only; in
            Pyro, if vectorized particles are elsewhere than to the left of all plates.

    Source:
        Grathwohl et al. (2018); REBAR, and the noise given the category for
        Gumbel-Softmax, Tucker et al. (2017). For IGR both are ours.

    Example:
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro.infer import SVI
        >>> from numpyro.optim import Adam
        >>> from numpyro_igr import IGR, TraceRELAX_ELBO
        >>> def model():
        ...     numpyro.sample("z", IGR(0.5, jnp.zeros(2), jnp.ones(2)))
        >>> engine = TraceRELAX_ELBO()
        >>> svi = SVI(model, engine.with_parameters(model), Adam(0.01), engine)
        >>> params = svi.get_params(svi.init(jax.random.key(0)))
        >>> print(f"{params[f'{engine.name}_temperature']:.1f}")
        0.5
    """

    can_infer_discrete = True

    def __init__(
        self,
        num_particles: int = 1,
        *,
        control_variate: Callable[..., Any] | ControlNetwork | None = NETWORK,
        temperature: float = 0.5,
        name: str | None = None,
        **kwargs: Unpack[ELBOOptions],
    ) -> None:
        check_size(num_particles=num_particles)
        super().__init__(num_particles, **kwargs)
        self._control_variate = ControlVariate(control_variate, temperature, name)
        self.name: str = self._control_variate.names.prefix
        self._has_warned, self._last = False, LastPair()

    def with_parameters(self, guide: Callable) -> Callable:
        """The guide, which declares the parameters of the control variate as well.

        Args:
            guide: the guide.
        """

        def declaring(*args: Any, **kwargs: Any) -> Any:
            with trace() as sites:
                result = guide(*args, **kwargs)
            self._control_variate.declare(discrete_sites(sites))
            return result

        return declaring

    def loss(
        self,
        rng_key: Array,
        param_map: dict[str, Any],
        model: Callable,
        guide: Callable,
        *args: Any,
        **kwargs: Any,
    ) -> Array:
        name = self._control_variate.names.scale
        if not (name in param_map or self._has_warned):
            self._has_warned = True
            warnings.warn(UNTRAINED.format(name), stacklevel=2)

        def particle(key: Array, params: dict[str, Any]) -> Particle:
            p, q = map(seed, (model, guide), random.split(key))
            rest = {"args": args, "kwargs": kwargs, "params": params}
            drawn = Particle(p, q, partial(get_importance_trace, **rest))
            if self._last.programs != (model, guide):
                at = substitute(guide, data=params)
                check_independence(at, args, kwargs, drawn.noises)
                self._last = LastPair(model, guide)
            return drawn

        keys = random.split(rng_key, self.num_particles)
        params = lax.stop_gradient(param_map)

        def weights_of(learned: dict[str, Any]) -> list[Array]:
            def of_one(key: Array) -> list[Array]:
                drawn = particle(key, params)
                with substitute(data=learned):
                    return self._control_variate.weights(drawn)

            return self.vectorize_particles_fn(of_one, keys)

        def surrogate(params: dict[str, Any], weights: list[Array]) -> tuple:
            def of_one(inputs: tuple) -> tuple[Array, Array]:
                key, weights = inputs
                drawn = particle(key, params)
                return drawn.pathwise() + dot(drawn.factors(), weights), drawn.elbo()

            values, elbos = self.vectorize_particles_fn(of_one, (keys, weights))
            return values.mean(), elbos.mean()

        weights, pull_back = jax.vjp(weights_of, params)
        gradient, elbo, pulls = slopes_of_variance(surrogate, params, weights)
        (slopes,) = pull_back(pulls)
        gradient = jax.tree.map(jnp.subtract, slopes, gradient)
        return with_gradient(-elbo, param_map, gradient)
