"""RELAX and REBAR: unbiased gradients of the discrete ELBO."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Unpack, cast

import torch
from pyro import poutine
from pyro.infer import ELBO
from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._host import get_importance_trace, torch_item, warn_if_nan
from pyro_igr._numerics.checks import check_size
from pyro_igr.infer._last_pair import LastPair
from pyro_igr.infer._options import ELBOOptions
from pyro_igr.infer._plates import check_particles
from pyro_igr.infer.relax_elbo._control_variate import ControlVariate
from pyro_igr.infer.relax_elbo._particle import Particle, check_independence
from pyro_igr.infer.relax_elbo._slopes import dot, slopes_of_variance
from pyro_igr.infer.relax_elbo.control_network import ControlNetwork

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
        >>> import pyro, torch
        >>> from pyro.infer import SVI
        >>> from pyro.optim import Adam
        >>> from pyro_igr import IGR, TraceRELAX_ELBO
        >>> def model():
        ...     pyro.sample("z", IGR(0.5, torch.zeros(2), torch.ones(2)))
        >>> engine = TraceRELAX_ELBO()
        >>> svi = SVI(model, model, Adam({"lr": 0.01}), engine)
        >>> loss = svi.step()
        >>> print(f"{abs(loss):.1f}")
        0.0
    """

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
        self._last = LastPair()

    def loss(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> float:
        particles = self._get_traces(model, guide, args, kwargs)
        loss = -sum(torch_item(p.elbo()) for p in particles) / self.num_particles
        warn_if_nan(cast(Tensor, loss), "loss")
        return loss

    def loss_and_grads(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> float:
        loss = self.differentiable_loss(model, guide, *args, **kwargs)
        if loss.requires_grad:
            loss.backward(retain_graph=self.retain_graph)
        return torch_item(loss)

    def differentiable_loss(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> Tensor:
        """The loss, whose gradient is the estimator of every parameter."""
        particles = list(self._get_traces(model, guide, args, kwargs))
        elbo = cast(Tensor, sum(p.elbo() for p in particles)) / self.num_particles
        with poutine.trace(param_only=True) as learned:
            weights = [w for p in particles for w in self._control_variate.weights(p)]
        weights = [w / self.num_particles for w in weights]
        free = [weight.detach().requires_grad_() for weight in weights]
        factors = [factor for p in particles for factor in p.factors()]
        pathwise = sum(p.pathwise() for p in particles) / self.num_particles
        surrogate = pathwise + dot(factors, free)
        warn_if_nan(surrogate, "loss")
        loss = surrogate.detach() - elbo.detach() - surrogate
        if parameters := _leaves(*(p.guide for p in particles)):
            pulls = slopes_of_variance(surrogate, parameters, free)
            loss = loss + _with_slopes(weights, pulls, _leaves(learned.trace))
        return loss

    def _get_traces(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Iterator[Particle]:
        for drawn in super()._get_traces(model, guide, args, kwargs):
            if self._last.programs != (model, guide):
                check_independence(guide, args, kwargs, drawn.noises)
                self._last = LastPair(model, guide)
            check_particles(self, (drawn.model, drawn.guide))
            yield drawn

    def _get_trace(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Particle:
        start = "flat", self.max_plate_nesting
        run = partial(get_importance_trace, *start, args=args, kwargs=kwargs)
        return Particle(model, guide, run)


def _leaves(*traces: Trace) -> list[Tensor]:
    """The unconstrained parameters of traces, each once."""
    sites = (site for trace in traces for site in trace.nodes.values())
    values: list[Any] = [site["value"] for site in sites if site["type"] == "param"]
    # Parameters of a module that keeps its own are their unconstrained ones.
    found = [x.unconstrained() if hasattr(x, "unconstrained") else x for x in values]
    return list({id(x): x for x in found if x.requires_grad}.values())


def _with_slopes(
    outputs: list[Tensor], pulls: tuple[Tensor, ...], parameters: list[Tensor]
) -> Tensor:
    """0, with the gradient that these pulls on the outputs have in the parameters."""
    pairs = [(o, p) for o, p in zip(outputs, pulls, strict=True) if o.requires_grad]
    slopes = torch.autograd.grad(
        [o for o, _ in pairs], parameters, [p for _, p in pairs], materialize_grads=True
    )
    found = zip(parameters, slopes, strict=True)
    return cast(Tensor, sum(((x - x.detach()) * g).sum() for x, g in found))
