"""Importance weights of relaxed samples, linear in the log-probabilities."""

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
from pyro_igr.handlers._uses import check_pair
from pyro_igr.infer._data_plates import Plates
from pyro_igr.infer._free_scale import warn_of_free_scale
from pyro_igr.infer._mixing import FirstRun
from pyro_igr.infer._options import ELBOOptions
from pyro_igr.infer._plates import check_plate, dependents
from pyro_igr.infer.discrete_iwae._bound import bound, terms_of
from pyro_igr.infer.discrete_iwae._draws import DrawMessenger
from pyro_igr.infer.discrete_iwae._dreg import Gradient, check_gradient, scale_paths
from pyro_igr.infer.discrete_iwae._elements import (
    Frames,
    first_plates,
    names_and_dims,
    plates_of_all,
)
from pyro_igr.infer.discrete_iwae._linear_sites import count_linearly


class TraceDiscreteIWAE_ELBO(Trace_ELBO):
    r"""Relaxed samples with importance weights of the discrete distributions.

    .. math::
        \sum_e \log \frac{1}{S} \sum_{s=1}^S p(x_e | z_{es}) \exp\Big( \sum_k z_{esk}
        (\log p_k - \log q_k) \Big), \qquad z_{es} \sim q

    where z is relaxed, and q and p are the discrete distributions that
    ``to_discrete()`` returns for guide and model (IGR, its stick-breaking,
    Gumbel-Softmax, straight-through or not); the prior may be ``OneHotCategorical``.
    Categories that q lacks contribute nothing, other sites their densities. The
    elements e are those of the plates that all sites within plates share; without
    plates, all data have one weight.

    At one-hot values (straight-through) it is the importance-weighted bound of the
    discrete model, the host's ``RenyiELBO(alpha=0)`` after :func:`discretize`. At
    relaxed values it is not a bound for any model, and neither is
    :class:`TraceDiscreteKL_ELBO`. With one sample it is that objective with
    :math:`\sum_k z_k (\log q_k - \log p_k)` in place of the exact KL, which is the mean
    of this term only in the limit of temperature 0. Report :func:`log_likelihood`.

    A latent site outside of these plates is drawn once and contributes outside of the
    mean over samples: it has an ELBO, and the others a bound given it. The average
    scale of the observations, as of a subsampled plate, multiplies the bound; the scale
    of a site relative to it is an exponent of the site's factor in each weight.

    A doubly reparameterized gradient is not that of this objective: paths through
    relaxed samples get their squared weights as factors, and q has no other gradient.
    The score left out, :math:`\sum_k z_k \nabla \log q_k`, has mean zero for one-hot z
    only. It has less noise, and tends to that of the discrete bound at temperature 0.

    As with :class:`TraceDiscreteKL_ELBO`, fix the scale of an IGR or bound it from
    below. A scale that depends on parameters causes one warning.

    Units:
        The loss is in nats.

    Args:
        num_samples: S; in Pyro they are in a dimension to the left of all plates.
        num_particles: how many such bounds are averaged, 1 by default.
        plate: names of the plates of the elements; ``()`` for one weight of everything.
        gradient: "plain", or "doubly reparameterized".
        kwargs: as for the host's ``ELBO``.

    Raises:
        TypeError: if ``plate`` is neither a name nor a collection of names.
        ValueError: if a number is not positive; at a site of the guide that is not
            reparameterized, or relaxed and dependent on others where the gradient is
            doubly so; at a relaxed one without a discrete one behind it in the model,
            or with other categories or (if known) another mask; at a latent site that
            the guide lacks, or one-hot with a density there; if a plate within an
            element is subsampled, or a site outside of those named depends on samples
            within; in a first run that compares, rounds or indexes with relaxed values.
        NotImplementedError: if a discrete distribution has no closed form.

    Source:
        Burda, Grosse and Salakhutdinov (2016), eq. 8, with relaxed samples as in Jang,
        Gu and Poole (2017), and linear weights, which are ours. Doubly reparameterized
        gradients are those of Tucker, Lawson, Gu and Maddison (2019).

    Example:
        >>> import pyro, torch
        >>> from pyro_igr import IGRStraightThrough, TraceDiscreteIWAE_ELBO
        >>> def model():
        ...     prior = IGRStraightThrough.from_probs(0.5, torch.tensor([0.5, 0.5]))
        ...     z = pyro.sample("z", prior)
        ...     pyro.factor("x", z @ torch.tensor([0.4, 1.6]).log())
        >>> def guide():
        ...     probs = torch.tensor([0.2, 0.8])
        ...     pyro.sample("z", IGRStraightThrough.from_probs(0.5, probs))
        >>> loss = TraceDiscreteIWAE_ELBO(5).loss(model, guide)  # the posterior
        >>> print(f"{abs(loss):.4f}")
        0.0000
    """

    def __init__(
        self,
        num_samples: int,
        num_particles: int = 1,
        *,
        plate: Plates = None,
        gradient: Gradient = "plain",
        **kwargs: Unpack[ELBOOptions],
    ) -> None:
        check_size(num_samples=num_samples, num_particles=num_particles)
        check_gradient(gradient)
        super().__init__(num_particles, **kwargs)
        self.num_samples: int = num_samples
        self.plate: Plates = check_plate(plate)
        self.gradient: Gradient = gradient
        self._has_warned = False
        self._first = FirstRun()

    def loss(
        self, model: Callable, guide: Callable, *args: Any, **kwargs: Any
    ) -> float:
        with torch.no_grad():
            return torch_item(self.differentiable_loss(model, guide, *args, **kwargs))

    def _get_traces(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Iterator[tuple[Trace, Trace]]:
        if self._first.programs != (model, guide):
            check_pair(model, guide, args, kwargs)
            self._first, self._plates = FirstRun(model, guide), None
        if self.max_plate_nesting == math.inf:
            pair = count_linearly(model, guide)[:2]
            self._guess_max_plate_nesting(*pair, args, kwargs)
        return super()._get_traces(model, guide, args, kwargs)

    # Which plates all that depends on the samples shares is known once they have run.
    def _get_trace(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> tuple[Trace, Trace]:
        pair, nesting = (model, guide), cast(int, self.max_plate_nesting)
        if self._plates is None:
            with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
                alone = poutine.trace(guide).get_trace(*args, **kwargs)
            self._plates = first_plates(alone.nodes.values(), self.plate)
        while True:
            plates = self._plates
            detached = None if self.gradient == "plain" else plates
            model, guide, sites = count_linearly(*pair, detached)
            drawn = DrawMessenger(self.num_samples, nesting, plates)(guide)
            replayed = DrawMessenger(self.num_samples, nesting, plates, sites)(model)
            with self._first:
                traces = super()._get_trace(replayed, drawn, args, kwargs)
            self._has_warned = self._has_warned or warn_of_free_scale(sites)
            first = first_plates(traces[1].nodes.values(), self.plate)
            if plates <= first:
                reached, named = dependents(traces, nesting), self.plate is not None
                first = plates_of_all(plates, reached, named=named)
            self._plates = first
            if first == plates:
                once = count_linearly(*pair)[:2]
                self._first.check(traces, once, args, kwargs, nesting)
                return traces

    def _differentiable_loss_particle(
        self, model_trace: Trace, guide_trace: Trace
    ) -> tuple[float, Tensor]:
        frames, nesting = cast(Frames, self._plates), cast(int, self.max_plate_nesting)
        names, plates = names_and_dims(frames)
        found = bound(terms_of(model_trace, guide_trace, nesting, names), plates)
        if self.gradient != "plain" and found.weights is not None:
            scale_paths(guide_trace.nodes, frames, found, nesting)
        return -torch_item(found.elbo), -found.elbo
