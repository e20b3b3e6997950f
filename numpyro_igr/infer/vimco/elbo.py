"""The importance-weighted bound of the discrete model, each sample with a baseline."""

from collections.abc import Callable
from functools import partial
from typing import Unpack, cast

import jax
from jax import Array, lax, random

from numpyro_igr._host import check_model_guide_match, eval_provenance
from numpyro_igr._numerics.checks import check_size
from numpyro_igr.infer._options import ELBOOptions
from numpyro_igr.infer._plates import common_plates, sum_to_plates
from numpyro_igr.infer._sites import one_hot_sites
from numpyro_igr.infer.unordered_set import TraceUnorderedSet_ELBO
from numpyro_igr.infer.unordered_set._draws import DrawMessenger
from numpyro_igr.infer.unordered_set._terms import dependents, draw, evaluate
from numpyro_igr.infer.vimco._bound import bound_and_score, common_scale


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
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro_igr import IGR, TraceVIMCO_ELBO
        >>> def model():
        ...     numpyro.sample("z", IGR.from_probs(0.5, jnp.array([0.5, 0.5])))
        ...     numpyro.factor("x", -1.0)
        >>> def guide():  # the posterior
        ...     numpyro.sample("z", IGR.from_probs(0.5, jnp.array([0.5, 0.5])))
        >>> loss = TraceVIMCO_ELBO(5).loss(jax.random.key(0), {}, model, guide)
        >>> print(f"{loss:.4f}")
        1.0000
    """

    def __init__(
        self, num_samples: int, num_particles: int = 1, **kwargs: Unpack[ELBOOptions]
    ) -> None:
        check_size(2, num_samples=num_samples)
        super().__init__(num_samples, num_particles, replacement=True, **kwargs)

    def _loss(self, run: Callable, key: Array) -> Array:
        first = run(DrawMessenger(key))
        check_model_guide_match(*first)
        one_hot = one_hot_sites(first[1])
        values = {name: site["value"] for name, site in one_hot.items()}
        causes = eval_provenance(lambda **values: evaluate(run, values), **values)
        sites = dependents(first, causes["terms"])
        plates = common_plates(sites)
        keys = random.split(key, self.num_samples)
        values = jax.vmap(partial(draw, run))(keys)
        weigh = partial(evaluate, run, with_score=True)
        found = jax.vmap(weigh)(values)
        log_qs = (sum_to_plates(x, plates) for x in found["log_q"].values())
        log_w, others = 0.0, 0.0
        for name, term in found["terms"].items():
            if causes["terms"][name]:
                log_w = log_w + sum_to_plates(term, plates)
            else:
                others = others + term[0].sum()
        of_samples = cast(Array, log_w), cast(Array, sum(log_qs))
        elbo, score = bound_and_score(*of_samples, common_scale(sites))
        return -(elbo + others + score - lax.stop_gradient(score))
