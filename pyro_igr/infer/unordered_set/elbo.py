"""Score-function gradients from a set of distinct samples, or of independent ones."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Unpack, cast

import torch
from pyro import poutine
from pyro.infer import Trace_ELBO
from pyro.poutine import Trace
from torch import Size, Tensor

from pyro_igr._host import torch_item
from pyro_igr._numerics.checks import check_size
from pyro_igr.infer._discrete_site import with_discrete_sites
from pyro_igr.infer._joint_values import joint_log_probs
from pyro_igr.infer._mixing import FirstRun
from pyro_igr.infer._one_sample import Traces
from pyro_igr.infer._options import ELBOOptions
from pyro_igr.infer._plates import common_plates, dependent_plates, sum_to_plates
from pyro_igr.infer._sites import check_independent, one_hot_sites
from pyro_igr.infer.unordered_set._draws import DrawMessenger, draw_gumbels
from pyro_igr.infer.unordered_set._joint_set import draw_joint_set, elbo_and_score
from pyro_igr.infer.unordered_set._terms import terms


class TraceUnorderedSet_ELBO(Trace_ELBO):
    r"""Unbiased gradients of the discrete ELBO from samples without replacement.

    .. math::
        \sum_{s \in S} w_s [ (f(s) - b_s) \nabla \log q(s) + \nabla f(s) ], \qquad
        f(z) = \log p(x, z) - \log q(z)

    S is a set of distinct configurations of the one-hot sites, w are their weights, and
    b is a baseline from the others in the set. The relaxed and one-hot sites of the
    guide (IGR, its stick-breaking, Gumbel-Softmax), and the sites of these names in the
    model, are made one-hot. A configuration is a value of all these sites, and there is
    one set for each element of the plates that they share with all terms that depend on
    them. A set of all configurations has no noise; one of size 1 gives the plain
    score-function gradient.

    Other sites of the guide must be reparameterized. Given them, its one-hot sites must
    be independent of one another; the guide runs twice. With replacement, samples are
    independent, the baseline is the mean of the others (leave-one-out), and one-hot
    sites may depend on one another.

    Units:
        The loss is in nats.

    Args:
        num_samples: size of the set, unless there are fewer configurations.
        num_particles: how many samples the bound averages, 1 by default.
        replacement: whether a configuration can be drawn more than once.
        kwargs: as for the host's ``Trace_ELBO``.

    Raises:
        ValueError: if a number is not positive, if the guide has no relaxed or one-hot
            site, has another that is not reparameterized or, without replacement,
            one-hot sites that depend on one another, or if the model has a latent site
            that the guide lacks, neither a relaxed nor a one-hot distribution where the
            guide has, or a one-hot one where the guide has a continuous.
        NotImplementedError: if a discrete distribution has no closed form.

    Source:
        Kool, van Hoof and Welling (2020), the unordered set policy gradient with its
        built-in baseline; with replacement Kool, van Hoof and Welling (2019), "Buy 4
        REINFORCE samples, get a baseline for free!". Sets within plates are ours.

    Example:
        >>> import pyro, torch
        >>> from pyro_igr import IGR, TraceUnorderedSet_ELBO
        >>> def model():
        ...     pyro.sample("z", IGR.from_probs(0.5, torch.tensor([0.5, 0.5])))
        >>> def guide():
        ...     pyro.sample("z", IGR.from_probs(0.5, torch.tensor([0.2, 0.8])))
        >>> loss = TraceUnorderedSet_ELBO(2).loss(model, guide)
        >>> print(f"{loss:.4f}")
        0.1927
    """

    _with_score = False  # whether the terms have that of one-hot sites

    def __init__(
        self,
        num_samples: int,
        num_particles: int = 1,
        *,
        replacement: bool = False,
        **kwargs: Unpack[ELBOOptions],
    ) -> None:
        check_size(num_samples=num_samples, num_particles=num_particles)
        super().__init__(num_particles, **kwargs)
        self.num_samples: int = num_samples
        self.replacement: bool = replacement
        self._first = FirstRun()
        self._plates: tuple[int, ...] | None = None

    def loss(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> float:
        with torch.no_grad():
            return torch_item(self.differentiable_loss(model, guide, *args, **kwargs))

    def _get_traces(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Iterator[Traces]:
        if self._first.programs != (model, guide):
            self._first, self._plates = FirstRun(model, guide), None
        model, guide = with_discrete_sites(model, guide)
        if self.max_plate_nesting == math.inf:
            self._guess_max_plate_nesting(model, guide, args, kwargs)
        return super()._get_traces(model, guide, args, kwargs)

    def _get_trace(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Traces:
        traces = self._draw(model, guide, args, kwargs)
        nesting = cast(int, self.max_plate_nesting)
        self._first.check(traces, (model, guide), args, kwargs, nesting)
        return traces

    # The samples are in a dimension to the left of all plates. Which plates all that
    # depends on them shares is known once the model has run on some.
    def _draw(self, model: Callable, guide: Callable, *args: Any) -> Traces:
        size, nesting = self.num_samples, cast(int, self.max_plate_nesting)
        drawn = DrawMessenger(size, nesting)(guide)
        if self.replacement:
            with self._first:
                traces = super()._get_trace(model, drawn, *args)
            one_hot_sites(traces[1].nodes)  # which may refuse
            self._plates = dependent_plates(traces, nesting)
            return traces
        first = poutine.trace(drawn).get_trace(*args[0], **args[1])
        while True:
            plates = common_plates(one_hot_sites(first.nodes).values())
            if self._plates is not None:
                plates = tuple(dim for dim in plates if dim in self._plates)
            with_set = poutine.replay(guide, trace=self._with_set(first, plates))
            with self._first:
                traces = super()._get_trace(model, with_set, *args)
            self._plates = dependent_plates(traces, nesting)
            if self._plates == plates:
                return traces

    def _with_set(self, trace: Trace, plates: tuple[int, ...]) -> Trace:
        """A trace to replay: a set at one-hot sites, and nothing that depends on it."""
        dists = {name: site["fn"] for name, site in one_hot_sites(trace.nodes).items()}
        values = draw_joint_set(dists, plates, self.num_samples, draw_gumbels)
        new, nesting = Trace(), cast(int, self.max_plate_nesting)
        for name, site in trace.nodes.items():
            batch = getattr(site.get("fn"), "batch_shape", Size())
            depends = site["type"] == "sample" and len(batch) > nesting
            check_independent(site, depends=depends)
            if name in dists:
                missing = nesting - len(dists[name].batch_shape)
                site = site | {"value": values[name].unflatten(0, (-1, *[1] * missing))}
            if not depends:
                new.nodes[name] = site
        return new

    def _differentiable_loss_particle(
        self, model_trace: Trace, guide_trace: Trace
    ) -> tuple[float, Tensor]:
        plates = cast(tuple[int, ...], self._plates)
        one_hot = one_hot_sites(guide_trace.nodes).values()
        log_qs = (sum_to_plates(joint_log_probs(site), plates) for site in one_hot)
        log_q = cast(Tensor, sum(log_qs))
        f, others = cast(Tensor, 0.0), 0.0
        for term in terms(model_trace, guide_trace, with_score=self._with_score):
            if term.dim() > self.max_plate_nesting:
                f = f + sum_to_plates(term, plates)
            else:
                others = others + term.sum()
        elbo, score = self._estimate(f, log_q, (model_trace, guide_trace))
        return -torch_item(elbo + others), -(elbo + others + score)

    def _estimate(
        self, f: Tensor, log_q: Tensor, traces: Traces
    ) -> tuple[Tensor, Tensor]:
        return elbo_and_score(f, log_q, replacement=self.replacement)
