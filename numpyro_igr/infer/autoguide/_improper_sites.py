"""First values of sites with an improper prior, which the host cannot draw."""

from typing import Any

from jax import Array, random
from numpyro.distributions import Distribution, ImproperUniform, biject_to

from numpyro_igr._host import Messenger
from numpyro_igr.distributions.recovering import innermost, inside


class StartMessenger(Messenger):
    """Lets a model be run alone, though it has sites with an ``ImproperUniform``.

    Their values are near 0 before the bijection onto the support, as where the host
    initializes such sites. They count only where a guide looks for its sites.
    """

    def process_message(self, msg: dict[str, Any]) -> None:
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        if isinstance(innermost(msg["fn"]), ImproperUniform):
            msg["fn"] = inside(msg["fn"], _started)


class _Started(ImproperUniform):
    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        bijection = biject_to(self.support)
        shape = bijection.inverse_shape(self.shape(sample_shape))
        return bijection(random.uniform(key, shape, minval=-2.0, maxval=2.0))


def _started(dist: Distribution) -> Distribution:
    return _Started(dist.support, dist.batch_shape, dist.event_shape)
