"""The importance-weighted bound of the discrete model, each sample with a baseline."""

from typing import Unpack

from torch import Tensor

from pyro_igr._numerics.checks import check_size
from pyro_igr.infer._one_sample import Traces
from pyro_igr.infer._options import ELBOOptions
from pyro_igr.infer._plates import dependents
from pyro_igr.infer.unordered_set import TraceUnorderedSet_ELBO
from pyro_igr.infer.vimco._bound import bound_and_score, check_masks, common_scale


class TraceVIMCO_ELBO(TraceUnorderedSet_ELBO):
    r"""Gradients of the importance-weighted bound of the discrete model: VIMCO.

    .. math::
        L = \sum_e \log \frac{1}{S} \sum_{s=1}^S w_{es}, \qquad
        \nabla \approx \nabla_w L + \sum_{es} (L_e - L_{e, -s})
        \nabla \log q(z_{es}), \qquad w = p(x, z) / q(z)

    where :math:`L_{e, -s}` is the bound with the geometric mean of the other weights in
    place of the weight of s. The gradient is unbiased. The one-hot sites are those of
    :class:`TraceUnorderedSet_ELBO` with replacement, and may depend on one another.
    Other sites must be reparameterized; one that does not depend on one-hot sites is
    drawn once, and contributes outside of the mean over samples. The elements e are
    those of the plates shared by all terms that depend on one-hot sites.

    It is a lower bound on the discrete log-likelihood, tighter with more samples. If
    all sites that depend on one-hot sites have the same scale, as in a subsampled
    plate, the bound has this factor.

    Units:
        The loss is in nats.

    Args:
        num_samples: S, at least 2.
        num_particles: how many such bounds are averaged, 1 by default.
        kwargs: as for the host's ``Trace_ELBO``.

    Raises:
        ValueError: as :class:`TraceUnorderedSet_ELBO`, if ``num_samples`` is below 2,
            if sites that depend on one-hot ones have unequal scales, or if a one-hot
            one is observed in model or guide only, or has another mask there (NaN if
            jit traces it).
        NotImplementedError: if a discrete distribution has no closed form.

    Source:
        Mnih and Rezende (2016), eq. 7 to 9. The elements of plates are ours.

    Example:
        >>> import pyro, torch
        >>> from pyro_igr import IGR, TraceVIMCO_ELBO
        >>> def model():
        ...     pyro.sample("z", IGR.from_probs(0.5, torch.tensor([0.5, 0.5])))
        ...     pyro.factor("x", torch.tensor(-1.0))
        >>> def guide():  # the posterior
        ...     pyro.sample("z", IGR.from_probs(0.5, torch.tensor([0.5, 0.5])))
        >>> loss = TraceVIMCO_ELBO(5).loss(model, guide)
        >>> print(f"{loss:.4f}")
        1.0000
    """

    _with_score = True

    def __init__(
        self, num_samples: int, num_particles: int = 1, **kwargs: Unpack[ELBOOptions]
    ) -> None:
        check_size(2, num_samples=num_samples)
        super().__init__(num_samples, num_particles, replacement=True, **kwargs)

    def _estimate(
        self, f: Tensor, log_q: Tensor, traces: Traces
    ) -> tuple[Tensor, Tensor]:
        sites = dependents(traces, self.max_plate_nesting)
        check_masks(sites)
        return bound_and_score(f, log_q, common_scale(sites))
