"""One draw of a guide at one-hot vectors, its model, and both at relaxed ones."""

from collections.abc import Callable
from functools import partial
from typing import cast

from jax import Array
from numpyro.distributions import Distribution
from numpyro.handlers import block, replay

from numpyro_igr._host import MultiFrameTensor, check_model_guide_match, sum_rightmost
from numpyro_igr.distributions.noise import Noise
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.infer._guided_latents import with_guided_latents
from numpyro_igr.infer._plates import sum_outside
from numpyro_igr.infer._sites import check_reparameterized
from numpyro_igr.infer.relax_elbo._noisy_site import (
    NoisySiteMessenger,
    prior_dependencies,
)

Trace = dict[str, dict]


class Particle:
    """A guide whose discrete sites are drawn one-hot through noise, and its model.

    Args:
        model: the model.
        guide: the guide.
        run: traces of a model and of the guide that it is replayed against.
    """

    def __init__(self, model: Callable, guide: Callable, run: Callable) -> None:
        model, guide = with_guided_latents(model, guide)
        self.noises: dict[str, Noise] = {}
        dists: dict[str, Distribution] = {}
        self._run = partial(run, NoisySiteMessenger(self.noises)(model))
        self._again = NoisySiteMessenger(self.noises, dists)(guide)
        draw = NoisySiteMessenger(self.noises, dists, is_drawing=True)
        self.model, self.guide = self._run(draw(guide))
        check_model_guide_match(self.model, self.guide)
        self._check_sites()

    def _check_sites(self) -> None:
        if not self.noises:
            raise ValueError(
                "expected a guide with a relaxed or one-hot site, got none"
            )
        for site in _samples(self.guide).values():
            check_reparameterized(site)

    def sites(self) -> dict[str, dict]:
        """The discrete sites of the guide."""
        return {name: self.guide[name] for name in self.noises}

    def elbo(self) -> Array:
        """The sample log p(x, h) - log q(h) of the ELBO, at the vertices h."""
        return _log_prob_sum(self.model) - _log_prob_sum(self.guide)

    def pathwise(self) -> Array:
        """As ``elbo`` without the terms of the guide whose gradient has mean zero."""
        others = {n: s for n, s in self.guide.items() if n not in self.noises}
        return _log_prob_sum(self.model) - _log_prob_sum(others)

    def factors(self) -> list[Array]:
        r"""What gradients pass through: at each site log q(h), y and :math:`\tilde y`.

        Here h is the category, y the noise, and :math:`\tilde y` the noise given h.
        Their products with :meth:`ControlVariate.weights`, if these are held fixed, add
        up to a surrogate whose gradient is the estimator, but for the term of
        :meth:`pathwise`. Log q(h) is neither scaled nor masked.
        """
        found = []
        for name, noise in self.noises.items():
            dist = self.guide[name]["fn"]
            log_prob = innermost(dist).log_prob(noise.category)
            score = sum_rightmost(log_prob, dist.event_dim - 1)
            found += [score, noise.y, noise.y_given_category]
        return found

    def costs(self, values: dict[str, Array] | None = None) -> MultiFrameTensor:
        """The terms of the ELBO by plates, at the vertices or at given values.

        Args:
            values: points of the simplex by site.
        """
        traces = self.model, self.guide
        if values is not None:
            again = {n: self.guide[n] | {"value": value} for n, value in values.items()}
            with block():
                traces = self._run(replay(self._again, self.guide | again))
        terms = MultiFrameTensor()
        for trace, sign in zip(traces, (1, -1), strict=True):
            for site in _samples(trace).values():
                frames = site["cond_indep_stack"]
                terms.add((frames, sign * sum_outside(site["log_prob"], frames)))
        return terms


def check_independence(
    guide: Callable, args: tuple, kwargs: dict, noises: dict[str, Noise]
) -> None:
    """Raises if a site of a guide depends on a discrete one, but itself.

    Args:
        guide: with its parameters.
        args: of the guide.
        kwargs: of the guide.
        noises: the noise behind each discrete site.
    """
    for name, upstream in prior_dependencies(guide, args, kwargs).items():
        for other in noises:
            if other in upstream and other != name:
                raise ValueError(
                    f"expected no site of the guide to depend on the discrete site "
                    f"'{other}', got '{name}', which does: train by "
                    "TraceUnorderedSet_ELBO with replacement=True"
                )


def _samples(trace: Trace) -> Trace:
    return {name: site for name, site in trace.items() if site["type"] == "sample"}


def _log_prob_sum(trace: Trace) -> Array:
    terms = (site["log_prob"].sum() for site in _samples(trace).values())
    return cast(Array, sum(terms))
