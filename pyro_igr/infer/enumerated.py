"""The exact ELBO of a small discrete model, the oracle of all estimators."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Unpack, cast

import torch
from pyro import poutine
from pyro.infer import Trace_ELBO
from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._host import torch_item
from pyro_igr._numerics.checks import check_size
from pyro_igr.infer._discrete_site import with_discrete_sites
from pyro_igr.infer._joint_values import all_values, joint_log_probs
from pyro_igr.infer._mixing import FirstRun
from pyro_igr.infer._options import ELBOOptions
from pyro_igr.infer._plates import (
    check_nesting,
    common_plates,
    dependent_plates,
    sum_to_plates,
)
from pyro_igr.infer._sites import one_hot_sites
from pyro_igr.infer.unordered_set._terms import terms


class TraceEnumeratedDiscrete_ELBO(Trace_ELBO):
    r"""The exact ELBO of a small discrete model: one-hot sites are summed out.

    .. math::
        \sum_z q(z) [\log p(x, z) - \log q(z)]

    The loss and its gradient have no noise, so use it to check estimators. The relaxed
    and one-hot sites of the guide (IGR, its stick-breaking, Gumbel-Softmax), and the
    sites of these names in the model, are made one-hot. They may depend on one another.
    A joint value z is one of all these sites, in each element of the plates that they
    share with all terms that depend on them. So sites in a plate of independent data
    have as many joint values as one datum, while sites shared by the data multiply the
    joint values of all data.

    Other sites of the guide are drawn, and must be reparameterized; they are then the
    only source of noise. In Pyro the joint values are in a dimension to the left of all
    plates, and the guide runs twice.

    Units:
        The loss is in nats.

    Args:
        num_particles: how many samples the bound averages, 1 by default.
        max_configurations: the most joint values that may be summed.
        kwargs: as for the host's ``Trace_ELBO``.

    Raises:
        ValueError: if a number is not positive, if there are more joint values than
            ``max_configurations``, if the guide has no relaxed or one-hot site, if
            another site of it is not reparameterized, or if the model has a latent site
            that the guide lacks, neither a relaxed nor a one-hot distribution where the
            guide has, or a one-hot one where the guide has a continuous; in Pyro, if a
            program cannot have the joint values in that dimension.
        NotImplementedError: at a distribution whose discrete one has no closed form.

    Source:
        Not in the paper.

    Example:
        >>> import torch, pyro, pyro.distributions as dist
        >>> from pyro_igr import IGRStickBreaking, TraceEnumeratedDiscrete_ELBO
        >>> def model():
        ...     prior = IGRStickBreaking.from_probs(0.5, torch.tensor([0.5, 0.5]))
        ...     z = pyro.sample("z", prior)
        ...     x = dist.Bernoulli(z @ torch.tensor([0.2, 0.8]))
        ...     pyro.sample("x", x, obs=torch.tensor(1.0))
        >>> def guide():
        ...     probs = torch.tensor([0.2, 0.8])
        ...     pyro.sample("z", IGRStickBreaking.from_probs(0.5, probs))
        >>> loss = TraceEnumeratedDiscrete_ELBO().loss(model, guide)  # -log 0.5
        >>> print(f"{loss:.4f}")
        0.6931
    """

    def __init__(
        self,
        num_particles: int = 1,
        *,
        max_configurations: int = 10_000,
        **kwargs: Unpack[ELBOOptions],
    ) -> None:
        check_size(max_configurations=max_configurations, num_particles=num_particles)
        super().__init__(num_particles, **kwargs)
        self.max_configurations: int = max_configurations
        self._first = FirstRun()
        self._plates: tuple[int, ...] | None = None

    def loss(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> float:
        with torch.no_grad():
            return torch_item(self.differentiable_loss(model, guide, *args, **kwargs))

    def _get_traces(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Iterator[tuple[Trace, Trace]]:
        if self._first.programs != (model, guide):
            self._first, self._plates = FirstRun(model, guide), None
        model, guide = with_discrete_sites(model, guide)
        if self.max_plate_nesting == math.inf:
            self._guess_max_plate_nesting(model, guide, args, kwargs)
        return super()._get_traces(model, guide, args, kwargs)

    # Which plates all that depends on the values shares is known once they have run.
    def _get_trace(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> tuple[Trace, Trace]:
        nesting = cast(int, self.max_plate_nesting)
        one_hot = one_hot_sites(poutine.trace(guide).get_trace(*args, **kwargs).nodes)
        for site in one_hot.values():
            check_nesting(site, nesting)
        while True:
            plates = common_plates(one_hot.values())
            if self._plates is not None:
                plates = tuple(dim for dim in plates if dim in self._plates)
            enumerated = poutine.replay(guide, trace=self._enumerate(one_hot, plates))
            with self._first:
                traces = super()._get_trace(model, enumerated, args, kwargs)
            self._plates = dependent_plates(traces, nesting)
            if self._plates == plates:
                self._first.check(traces, (model, guide), args, kwargs, nesting)
                return traces

    def _enumerate(self, one_hot: dict[str, Any], plates: tuple[int, ...]) -> Trace:
        """All joint values, to the left of all plates, as a trace to replay."""
        dists, trace = {name: site["fn"] for name, site in one_hot.items()}, Trace()
        values = all_values(dists, plates, self.max_configurations)
        for name, dist in dists.items():
            missing = cast(int, self.max_plate_nesting) - len(dist.batch_shape)
            value = values[name].unflatten(0, (-1, *[1] * missing))
            trace.nodes[name] = one_hot[name] | {"value": value}
        return trace

    def _differentiable_loss_particle(
        self, model_trace: Trace, guide_trace: Trace
    ) -> tuple[float, Tensor]:
        plates = cast(tuple[int, ...], self._plates)
        one_hot = one_hot_sites(guide_trace.nodes).values()
        log_qs = (sum_to_plates(joint_log_probs(site), plates) for site in one_hot)
        log_q = cast(Tensor, sum(log_qs))
        f, others = 0.0, 0.0
        for term in terms(model_trace, guide_trace, with_score=True):
            if term.dim() > self.max_plate_nesting:
                f = f + sum_to_plates(term, plates)
            else:
                others = others + term.sum()
        is_possible = ~(log_q <= torch.finfo(log_q.dtype).min / 2)  # or NaN
        f, log_q = (torch.where(is_possible, x, 0.0) for x in (f, log_q))
        elbo = torch.where(is_possible, log_q.exp() * f, 0.0).sum() + others
        return -torch_item(elbo), -elbo
