"""Score-function gradients from a set of distinct samples, or of independent ones."""

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack, cast

import jax
from jax import Array, lax, random
from numpyro.handlers import seed
from numpyro.infer.elbo import ELBO

from numpyro_igr._host import (
    Messenger,
    check_model_guide_match,
    eval_provenance,
    get_importance_trace,
)
from numpyro_igr._numerics.checks import check_size
from numpyro_igr.infer._discrete_site import with_discrete_sites
from numpyro_igr.infer._options import ELBOOptions
from numpyro_igr.infer._plates import common_plates, sum_to_plates
from numpyro_igr.infer._sites import check_independent, one_hot_sites
from numpyro_igr.infer.unordered_set._draws import DrawMessenger, draw_gumbels
from numpyro_igr.infer.unordered_set._joint_set import draw_joint_set, elbo_and_score
from numpyro_igr.infer.unordered_set._terms import (
    dependents,
    draw,
    evaluate,
    with_noise,
)

Trace = dict[str, dict]


class TraceUnorderedSet_ELBO(ELBO):
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
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro_igr import IGR, TraceUnorderedSet_ELBO
        >>> def model():
        ...     numpyro.sample("z", IGR.from_probs(0.5, jnp.array([0.5, 0.5])))
        >>> def guide():
        ...     numpyro.sample("z", IGR.from_probs(0.5, jnp.array([0.2, 0.8])))
        >>> loss = TraceUnorderedSet_ELBO(2).loss(jax.random.key(0), {}, model, guide)
        >>> print(f"{loss:.4f}")
        0.1927
    """

    can_infer_discrete = True
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
            keys = random.split(key, 3)

            # Handlers of each run, as they hold what jax traces in it.
            def run(handler: Messenger) -> tuple[Trace, Trace]:
                discrete, drawn = with_discrete_sites(model, guide)
                pair = seed(discrete, keys[0]), handler(seed(drawn, keys[1]))
                return get_importance_trace(*pair, args, kwargs, param_map)

            return self._loss(run, keys[2])

        keys = random.split(rng_key, self.num_particles)
        return self.vectorize_particles_fn(particle, keys).mean()

    def _loss(self, run: Callable, key: Array) -> Array:
        first = run(DrawMessenger(key))
        check_model_guide_match(*first)
        one_hot = one_hot_sites(first[1])
        values = {name: site["value"] for name, site in one_hot.items()}
        causes = eval_provenance(lambda **values: evaluate(run, values), **values)
        reached = dependents(first, causes["terms"])
        plates = common_plates([*one_hot.values(), *reached])
        found = self._draw(run, key, one_hot, causes, plates)
        log_qs = (sum_to_plates(x, plates) for x in found["log_q"].values())
        log_q = cast(Array, sum(log_qs))
        f, others = 0.0, 0.0
        for name, term in found["terms"].items():
            if causes["terms"][name]:
                f = f + sum_to_plates(term, plates)
            else:
                others = others + term[0].sum()
        elbo, score = self._estimate(cast(Array, f), log_q, reached)
        return -(elbo + others + score - lax.stop_gradient(score))

    # The samples of a set differ in one-hot values alone: other sites keep their keys.
    # Independent ones also differ at the sites that depend on these values.
    def _draw(
        self, run: Callable, key: Array, one_hot: Trace, causes: dict, plates: tuple
    ) -> dict[str, dict]:
        weigh = partial(evaluate, with_score=self._with_score)
        if not self.replacement:
            for name, site in one_hot.items():
                check_independent(site, depends=bool(causes["logits"][name]))
            dists = {name: site["fn"] for name, site in one_hot.items()}
            gumbels = partial(draw_gumbels, key)
            values = draw_joint_set(dists, plates, self.num_samples, gumbels)
            return jax.vmap(partial(weigh, run))(values)
        terms = causes["terms"].items()
        names = {name for (side, name), by in terms if by and side == "guide"}
        names -= one_hot.keys()

        def sample(key: Array) -> dict[str, dict]:
            of_one_hot, of_others = random.split(key)
            own = with_noise(run, of_others, names)
            return weigh(own, draw(own, of_one_hot))

        return jax.vmap(sample)(random.split(key, self.num_samples))

    def _estimate(
        self, f: Array, log_q: Array, sites: list[dict]
    ) -> tuple[Array, Array]:
        return elbo_and_score(f, log_q, replacement=self.replacement)
