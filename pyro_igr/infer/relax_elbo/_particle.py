"""One draw of a guide at one-hot vectors, its model, and both at relaxed ones."""

from collections.abc import Callable
from functools import partial

from pyro import poutine
from torch import Tensor

from pyro_igr._host import MultiFrameTensor, sum_rightmost
from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.noise import Noise
from pyro_igr.distributions.recovering import innermost
from pyro_igr.infer._guided_latents import with_guided_latents
from pyro_igr.infer._plates import sum_outside
from pyro_igr.infer._sites import check_reparameterized
from pyro_igr.infer.relax_elbo._noisy_site import NoisySiteMessenger, prior_dependencies


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
        self._recorded = poutine.trace(draw(guide))
        self.model, self.guide = self._run(self._recorded)
        self._check_sites()

    def _check_sites(self) -> None:
        if not self.noises:
            raise ValueError(
                "expected a guide with a relaxed or one-hot site, got none"
            )
        for site in self.guide.nodes.values():
            if site["type"] == "sample":
                check_reparameterized(site)

    def sites(self) -> dict[str, Message]:
        """The discrete sites of the guide."""
        return {name: self.guide.nodes[name] for name in self.noises}

    def elbo(self) -> Tensor:
        """The sample log p(x, h) - log q(h) of the ELBO, at the vertices h."""
        return self.model.log_prob_sum() - self.guide.log_prob_sum()

    def pathwise(self) -> Tensor:
        """As ``elbo`` without the terms of the guide whose gradient has mean zero."""
        others = self.guide.log_prob_sum(lambda name, _: name not in self.noises)
        return self.model.log_prob_sum() - others

    def factors(self) -> list[Tensor]:
        r"""What gradients pass through: at each site log q(h), y and :math:`\tilde y`.

        Here h is the category, y the noise, and :math:`\tilde y` the noise given h.
        Their products with :meth:`ControlVariate.weights`, if these are held fixed, add
        up to a surrogate whose gradient is the estimator, but for the term of
        :meth:`pathwise`. Log q(h) is neither scaled nor masked.
        """
        found = []
        for name, noise in self.noises.items():
            dist = self.guide.nodes[name]["fn"]
            log_prob = innermost(dist).log_prob(noise.category)
            score = sum_rightmost(log_prob, dist.event_dim - 1)
            found += [score, noise.y, noise.y_given_category]
        return found

    def costs(self, values: dict[str, Tensor] | None = None) -> MultiFrameTensor:
        """The terms of the ELBO by plates, at the vertices or at given values.

        Args:
            values: points of the simplex by site.
        """
        traces = self.model, self.guide
        if values is not None:
            again = self._recorded.trace.copy()
            for name, value in values.items():
                again.nodes[name] = again.nodes[name] | {"value": value}
            with poutine.block():
                traces = self._run(poutine.replay(self._again, trace=again))
        terms = MultiFrameTensor()
        for trace, sign in zip(traces, (1, -1), strict=True):
            for site in trace.nodes.values():
                if site["type"] == "sample":
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
