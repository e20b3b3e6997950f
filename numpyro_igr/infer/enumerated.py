"""The exact ELBO of a small discrete model, the oracle of all estimators."""

from collections.abc import Callable
from typing import Any, Unpack, cast

import jax
import jax.numpy as jnp
from jax import Array, random
from numpyro.handlers import seed, substitute
from numpyro.infer.elbo import ELBO

from numpyro_igr._host import (
    check_model_guide_match,
    eval_provenance,
    get_importance_trace,
)
from numpyro_igr._numerics.checks import check_size
from numpyro_igr.infer._discrete_site import with_discrete_sites
from numpyro_igr.infer._joint_values import all_values, joint_log_probs
from numpyro_igr.infer._options import ELBOOptions
from numpyro_igr.infer._plates import common_plates, sum_to_plates
from numpyro_igr.infer._sites import one_hot_sites
from numpyro_igr.infer.unordered_set._terms import dependents, terms

Trace = dict[str, dict]


class TraceEnumeratedDiscrete_ELBO(ELBO):
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
        >>> import jax, jax.numpy as jnp, numpyro, numpyro.distributions as dist
        >>> from numpyro_igr import IGRStickBreaking, TraceEnumeratedDiscrete_ELBO
        >>> def model():
        ...     prior = IGRStickBreaking.from_probs(0.5, jnp.array([0.5, 0.5]))
        ...     z = numpyro.sample("z", prior)
        ...     x = dist.Bernoulli(z @ jnp.array([0.2, 0.8]))
        ...     numpyro.sample("x", x, obs=jnp.array(1.0))
        >>> def guide():
        ...     probs = jnp.array([0.2, 0.8])
        ...     numpyro.sample("z", IGRStickBreaking.from_probs(0.5, probs))
        >>> elbo = TraceEnumeratedDiscrete_ELBO()
        >>> loss = elbo.loss(jax.random.key(0), {}, model, guide)  # -log 0.5
        >>> print(f"{loss:.4f}")
        0.6931
    """

    can_infer_discrete = True

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

    def loss(
        self,
        rng_key: Array,
        param_map: dict[str, Any],
        model: Callable,
        guide: Callable,
        *args: Any,
        **kwargs: Any,
    ) -> Array:
        def particle(key: Array) -> Array:
            keys = random.split(key)

            # Handlers of each run, as they hold what jax traces in it.
            def run(values: dict[str, Array]) -> tuple[Trace, Trace]:
                discrete, drawn = with_discrete_sites(model, guide)
                given = substitute(seed(drawn, keys[1]), data=values)
                pair = seed(discrete, keys[0]), given
                return get_importance_trace(*pair, args, kwargs, param_map)

            return self._loss(run)

        keys = random.split(rng_key, self.num_particles)
        return self.vectorize_particles_fn(particle, keys).mean()

    # Which terms depend on the values tells which plates all of them share.
    def _loss(self, run: Callable) -> Array:
        first = run({})
        check_model_guide_match(*first)
        one_hot = one_hot_sites(first[1])
        drawn = {name: site["value"] for name, site in one_hot.items()}
        causes = eval_provenance(lambda **values: _evaluate(run, values)[0], **drawn)
        plates = common_plates([*one_hot.values(), *dependents(first, causes)])
        dists = {name: site["fn"] for name, site in one_hot.items()}
        values = all_values(dists, plates, self.max_configurations)
        found, log_probs = jax.vmap(lambda values: _evaluate(run, values))(values)
        log_qs = (sum_to_plates(x, plates) for x in log_probs.values())
        log_q = cast(Array, sum(log_qs))
        f, others = 0.0, 0.0
        for name, term in found.items():
            if causes[name]:
                f = f + sum_to_plates(term, plates)
            else:
                others = others + term[0].sum()
        is_possible = ~(log_q <= jnp.finfo(log_q.dtype).min / 2)  # or NaN
        f, log_q = (jnp.where(is_possible, x, 0.0) for x in (f, log_q))
        return -jnp.where(is_possible, jnp.exp(log_q) * f, 0.0).sum() - others


def _evaluate(
    run: Callable, values: dict[str, Array]
) -> tuple[dict[tuple[str, str], Array], dict[str, Array]]:
    """What adds up to the ELBO, and the log probabilities of one-hot values."""
    traces = run(values)
    one_hot = one_hot_sites(traces[1]).items()
    log_probs = {name: joint_log_probs(site) for name, site in one_hot}
    return terms(*traces, with_score=True), log_probs
