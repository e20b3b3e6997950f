"""Sticking the landing: the guide's parameters detached inside its density."""

from collections.abc import Callable, Iterator
from typing import Unpack, cast

import torch
from pyro import poutine
from pyro.distributions.score_parts import ScoreParts
from pyro.infer import Trace_ELBO
from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._numerics.checks import check_size
from pyro_igr._numerics.tensors import as_tensor
from pyro_igr._typed import Message
from pyro_igr.handlers._log_odds import LogOddsMessenger
from pyro_igr.handlers._uses import check_pair
from pyro_igr.infer._guided_latents import with_guided_latents
from pyro_igr.infer._last_pair import LastPair
from pyro_igr.infer._options import TraceOptions
from pyro_igr.infer._plates import check_particles
from pyro_igr.infer.stl._kept_scores import keeps_score


class TraceSTL_ELBO(Trace_ELBO):
    r"""The ELBO without the score of the guide in its gradient: sticking the landing.

    .. math::
        E_{z \sim q_\phi} [\log p(x, z) - \log q_{\bar\phi}(z)], \qquad
        \bar\phi = \text{stop\_gradient}(\phi)

    The term that is left out has mean zero, so the gradient stays unbiased; if the
    guide is the posterior, it is zero for every sample, not only in the mean. The guide
    may be any reparameterized one, with sites that depend on one another: parameters
    are detached in its density, samples are not. The guide runs twice.

    That mean is zero if the support is fixed. Where its bounds depend on parameters, as
    those of a ``Uniform``, at an observation, and at a ``Delta``, which may have a
    density, the term stays in the gradient (in NumPyro also where bounds are other
    arrays). A support that the host takes for fixed, as that of a uniform variable
    through affine maps, must be so.

    ``IGR``, ``ExpIGR``, ``IGRStickBreaking`` ("sticks") and ``InfiniteIGR`` (rho 1, as
    of relaxed counts) are scored in Gaussian coordinates, exactly at any temperature.
    The loss is an ELBO of the relaxed model, which can be far from that of the discrete
    model if the model is nearly deterministic: report ``Trace_ELBO`` of model and guide
    after :func:`discretize`.

    Units:
        The loss is in nats.

    Args:
        num_particles: how many samples the bound averages, 1 by default.
        kwargs: as for the host's ``Trace_ELBO``.

    Raises:
        ValueError: if ``num_particles`` is not positive; at such a site if its scale,
            mask or shape differs in model and guide, so that the loss would depend on
            coordinates (in NumPyro the loss is NaN if jit traces scales or masks); at a
            latent site of the model that the guide lacks, or one that is one-hot, or a
            mean of a one-hot variable, in one of them only; in their first run, if a
            program compares, rounds or indexes with a relaxed value; in Pyro, if it has
            vectorized particles elsewhere than to the left of all plates.

    Source:
        Roeder, Wu and Duvenaud (2017); IGR (Potapczynski et al., 2020), tables 1, 3 and
        4. Gaussian coordinates are ours.

    Example:
        >>> import pyro, torch
        >>> from pyro_igr import IGR, TraceSTL_ELBO
        >>> def program():
        ...     pyro.sample("z", IGR(0.5, torch.zeros(2), torch.ones(2)))
        >>> loss = TraceSTL_ELBO().loss(program, program)
        >>> print(f"{abs(loss):.1f}")
        0.0
    """

    def __init__(self, num_particles: int = 1, **kwargs: Unpack[TraceOptions]) -> None:
        check_size(num_particles=num_particles)
        super().__init__(num_particles, **kwargs)
        self._last = LastPair()

    def _get_traces(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Iterator[tuple[Trace, Trace]]:
        if self._last.programs != (model, guide):
            check_pair(model, guide, args, kwargs)
            self._last = LastPair(model, guide)
        model, guide = with_guided_latents(model, guide)
        sites: dict[str, Message] = {}
        guide = LogOddsMessenger(sites, is_model=False)(guide)
        model = LogOddsMessenger(sites, is_model=True)(model)
        return super()._get_traces(model, guide, args, kwargs)

    def _get_trace(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> tuple[Trace, Trace]:
        recorded = poutine.trace(guide)
        model_trace, guide_trace = super()._get_trace(model, recorded, args, kwargs)
        check_particles(self, (model_trace, guide_trace))
        if torch.is_grad_enabled():
            samples, slopes = _slopes(guide, recorded.trace, args, kwargs)
            for name, slope in slopes.items():
                site = guide_trace.nodes[name]
                log_prob, score_function, whole = site["score_parts"]
                entropy = (slope * samples[name]).sum()
                if keeps_score(site):
                    entropy = entropy + whole.sum()
                site["score_parts"] = ScoreParts(log_prob, score_function, entropy)
        return model_trace, guide_trace


# Detaching parameters is taking derivatives in the samples alone: the second run of
# the guide is at copies of them, which its parameters have not touched.
def _slopes(
    guide: Callable, trace: Trace, args: tuple, kwargs: dict
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The reparameterized samples, and the slope in each of log q without its score."""
    samples, again = {}, trace.copy()
    for name, site in trace.nodes.items():
        if site["type"] == "sample" and getattr(site["fn"], "has_rsample", False):
            leaf = cast(Tensor, site["value"]).detach().requires_grad_()
            samples[name], again.nodes[name] = site["value"], site | {"value": leaf}
    leaves = {name: cast(Tensor, again.nodes[name]["value"]) for name in samples}
    run = poutine.trace(poutine.replay(guide, trace=again)).get_trace(*args, **kwargs)
    total = as_tensor(run.log_prob_sum(lambda _, site: not keeps_score(site)))
    if not total.requires_grad:  # no site, or none that counts
        return samples, {}
    slopes = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
    return samples, dict(zip(leaves, slopes, strict=True))
