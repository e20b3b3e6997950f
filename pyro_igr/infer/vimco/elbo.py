"""The importance-weighted bound of the discrete model, each sample with a baseline."""

from typing import Unpack, cast

from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._host import torch_item
from pyro_igr._numerics.checks import check_size
from pyro_igr.infer._joint_values import joint_log_probs
from pyro_igr.infer._options import ELBOOptions
from pyro_igr.infer._plates import common_plates, dependents, sum_to_plates
from pyro_igr.infer._sites import one_hot_sites
from pyro_igr.infer.unordered_set import TraceUnorderedSet_ELBO
from pyro_igr.infer.unordered_set._terms import terms
from pyro_igr.infer.vimco._bound import bound_and_score, common_scale


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
            or if sites that depend on one-hot ones have unequal scales.
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

    def __init__(
        self, num_samples: int, num_particles: int = 1, **kwargs: Unpack[ELBOOptions]
    ) -> None:
        check_size(2, num_samples=num_samples)
        super().__init__(num_samples, num_particles, replacement=True, **kwargs)

    def _differentiable_loss_particle(
        self, model_trace: Trace, guide_trace: Trace
    ) -> tuple[float, Tensor]:
        traces = model_trace, guide_trace
        sites = dependents(traces, self.max_plate_nesting)
        plates = common_plates(sites)
        one_hot = one_hot_sites(guide_trace.nodes).values()
        log_qs = (sum_to_plates(joint_log_probs(site), plates) for site in one_hot)
        log_w, others = 0.0, 0.0
        for term in terms(*traces, with_score=True):
            if self._is_left(term.shape):
                log_w = log_w + sum_to_plates(term, plates)
            else:
                others = others + term.sum()
        of_samples = cast(Tensor, log_w), cast(Tensor, sum(log_qs))
        elbo, score = bound_and_score(*of_samples, common_scale(sites))
        return -torch_item(elbo + others), -(elbo + others + score)
