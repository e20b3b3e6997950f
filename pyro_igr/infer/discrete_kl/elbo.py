"""The ELBO of relaxed samples with the exact KL of their discrete distributions."""

from collections.abc import Callable, Iterator
from typing import Unpack

from pyro.infer import TraceMeanField_ELBO
from pyro.poutine import Trace

from pyro_igr._numerics.checks import check_size
from pyro_igr._typed import Message
from pyro_igr.handlers._uses import check_pair
from pyro_igr.infer._free_scale import warn_of_free_scale
from pyro_igr.infer._guided_latents import with_guided_latents
from pyro_igr.infer._last_pair import LastPair
from pyro_igr.infer._options import TraceOptions
from pyro_igr.infer._plates import check_particles
from pyro_igr.infer._relaxed_sample import RelaxedSampleMessenger


class TraceDiscreteKL_ELBO(TraceMeanField_ELBO):
    r"""Relaxed samples in the likelihood, with the exact KL of discrete distributions.

    .. math::
        E_{z \sim q} \log p(x | z) - \sum_k q_k (\log q_k - \log p_k)

    where z is the relaxed sample, and q and p are the discrete distributions that
    ``to_discrete()`` returns for guide and model: those of IGR, its stick-breaking, or
    Gumbel-Softmax, straight-through or not. The prior may also be a
    ``OneHotCategorical``. The KL is exact. Its two terms, :math:`E_q \log q` and
    :math:`E_q \log p`, have the plates, masks and scales of the guide and of the model,
    as in ``Trace_ELBO``. Other sites are treated as in ``TraceMeanField_ELBO`` if model
    and guide give them the same masks and scales; if not, their KL is estimated. At a
    ``Delta`` it is :math:`\log q(z) - \log p(z)`, exact given z, with the density of an
    automatic guide.

    The objective is nearer to the discrete model than one with the KL of the relaxed
    distributions, but it is not a bound for any model, and a low loss can hide a poor
    discrete model. Where the model is nearly deterministic, as a chain that seldom
    moves, relaxed samples avoid costs that one-hot ones have (an objective of -33.7
    beside a discrete ELBO of -195, where the log evidence is -33.8). So report
    ``Trace_ELBO`` of model and guide after :func:`discretize`.

    The discrete distribution of an IGR depends only on loc / scale. If the scale is
    learned, both shrink together until the sample is a noiseless point inside the
    simplex: a low loss, and a useless discrete model. So fix the scale, at 1 say, or
    bound it from below. An IGR guide whose scale depends on parameters causes one
    warning; filter it if the scale is bounded, which cannot be detected.

    Units:
        The loss is in nats.

    Args:
        num_particles: how many samples the bound averages, 1 by default.
        kwargs: as for the host's ``TraceMeanField_ELBO``.

    Raises:
        ValueError: if ``num_particles`` is not positive; at a site of the guide that is
            not reparameterized, or a relaxed one whose distribution in the model has no
            discrete counterpart or other categories, or that is masked in only one of
            the two; at a latent site of the model that the guide lacks, or draws from a
            continuous distribution where that is one-hot; at labels that a relaxed
            distribution would score; in their first run, if a program compares, rounds
            or indexes with a relaxed value; in Pyro, if it has vectorized particles
            elsewhere than to the left of all plates.

    Source:
        IGR (Potapczynski et al., 2020), eq. 8, generalised to priors that are not
        uniform; for Gumbel-Softmax Jang, Gu and Poole (2017).

    Example:
        >>> import pyro, torch
        >>> from pyro_igr import IGR, TraceDiscreteKL_ELBO
        >>> def model():
        ...     pyro.sample("z", IGR.from_probs(0.5, torch.tensor([0.5, 0.5])))
        >>> def guide():
        ...     pyro.sample("z", IGR.from_probs(0.5, torch.tensor([0.2, 0.8])))
        >>> loss = TraceDiscreteKL_ELBO().loss(model, guide)
        >>> print(f"{loss:.4f}")
        0.1927
    """

    def __init__(self, num_particles: int = 1, **kwargs: Unpack[TraceOptions]) -> None:
        check_size(num_particles=num_particles)
        super().__init__(num_particles, **kwargs)
        self._has_warned, self._last = False, LastPair()

    def _get_traces(
        self, model: Callable, guide: Callable, args: tuple, kwargs: dict
    ) -> Iterator[tuple[Trace, Trace]]:
        if self._last.programs != (model, guide):
            check_pair(model, guide, args, kwargs)
            self._last = LastPair(model, guide)
        model, guide = with_guided_latents(model, guide)
        sites: dict[str, Message] = {}
        guide = RelaxedSampleMessenger(sites, is_model=False)(guide)
        model = RelaxedSampleMessenger(sites, is_model=True)(model)
        for traces in super()._get_traces(model, guide, args, kwargs):
            self._has_warned = self._has_warned or warn_of_free_scale(sites)
            check_particles(self, traces)
            yield traces
