"""A handler that draws one-hot sites through their noise, and lets them be relaxed."""

from collections.abc import Callable
from typing import cast

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Distribution
from numpyro.infer.inspect import get_dependencies

from numpyro_igr._host import Messenger
from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions.noise import Noise, draw_log_odds, finite
from numpyro_igr.distributions.recovering import (
    discrete_behind,
    innermost,
    inside,
    is_of_log,
    recover,
)
from numpyro_igr.infer._discrete_site import check_discrete
from numpyro_igr.infer.relax_elbo._noise_type import noise_type

SCANNED = (
    "site '{}' lies in a scan, in which TraceRELAX_ELBO cannot relax it: write the "
    "steps out in a loop, or train by TraceUnorderedSet_ELBO"
)


class LinearOneHot(OneHotCategorical):
    """A one-hot distribution whose log-probability is linear on the whole simplex."""

    has_rsample: bool = True

    def log_prob(self, value: Array, intermediates: None = None) -> Array:
        return (value * finite(self.logits)).sum(-1)


class NoisySiteMessenger(Messenger):
    """Makes relaxed and one-hot sites of guide and model :class:`LinearOneHot`.

    A program whose distribution is that of log z goes on with the logarithm of the
    value.

    Args:
        noises: the noise behind each site: filled by a guide that draws, obeyed by
            the programs that are replayed.
        dists: the distributions of a guide: filled when it draws, used again when it is
            replayed; None for a model.
        is_drawing: whether it handles a guide that draws.
    """

    def __init__(
        self,
        noises: dict[str, Noise],
        dists: dict[str, Distribution] | None = None,
        *,
        is_drawing: bool = False,
    ) -> None:
        super().__init__()
        self.noises, self.dists, self.is_drawing = noises, dists, is_drawing
        self.in_logs: set[str] = set()

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        name, dist = msg["name"], msg["fn"]
        dists = cast(dict[str, Distribution], self.dists)
        if self.is_drawing and (make := noise_type(dist, name)):
            if msg.get("_control_flow_done"):
                raise ValueError(SCANNED.format(name))
            dists[name] = _linear(recover(dist))
            like = innermost(dists[name]).logits
            self.noises[name] = _draw(make, dist, msg["kwargs"]["rng_key"], like)
            msg["value"] = self.noises[name].category
        if name in self.noises:
            is_model = self.dists is None
            msg["fn"] = self._of_model(dist, name) if is_model else dists[name]
            if is_of_log(dist):
                self.in_logs.add(name)

    def _of_model(self, dist: Distribution, name: str) -> Distribution:
        discrete, size = discrete_behind(dist), self.noises[name].category.shape[-1]
        check_discrete(discrete, dist, name, num_categories=size)
        return _linear(cast(Distribution, discrete))

    # Traces, which lie outside, have z by now. The derivative -1/z^2 must be finite.
    def postprocess_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and msg["name"] in self.in_logs:
            least = jnp.finfo(msg["value"].dtype).tiny ** 0.5
            msg["value"] = jnp.log(jnp.maximum(msg["value"], least))


def prior_dependencies(guide: Callable, args: tuple, kwargs: dict) -> dict[str, dict]:
    """The sites of a guide that each of its sites depends on.

    Args:
        guide: with its parameters.
        args: of the guide.
        kwargs: of the guide.
    """
    found = get_dependencies(_PlainOneHotMessenger(guide), args, kwargs)
    return cast(dict[str, dict], found["prior_dependencies"])


# The host starts sites by a bijection onto their support, unless they are discrete, and
# there is none onto the vertices of samples that have a gradient.
class _PlainOneHotMessenger(Messenger):
    def process_message(self, msg: dict) -> None:
        if msg["type"] == "sample":
            if isinstance(innermost(msg["fn"]), OneHotCategorical):
                msg["fn"] = recover(msg["fn"])


def discrete_sites(sites: dict[str, dict]) -> dict[str, dict]:
    """The sites of a guide that have a discrete distribution behind them.

    Args:
        sites: a trace of the guide.
    """
    return {
        name: site
        for name, site in sites.items()
        if site["type"] == "sample" and noise_type(site["fn"], name)
    }


def _draw(make: type[Noise], dist: Distribution, key: Array, like: Array) -> Noise:
    shape = (2, *dist.batch_shape, *dist.event_shape)
    return make(innermost(dist), draw_log_odds(key, shape, like))


def _linear(dist: Distribution) -> Distribution:
    made = inside(dist, lambda x: LinearOneHot(logits=x.logits, validate_args=False))
    return cast(Distribution, made)
