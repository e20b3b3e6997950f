"""A relaxed law that draws as itself and counts, in a KL, as its discrete law."""

from typing import Any

from jax import Array
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.kl import kl_divergence
from numpyro.primitives import Messenger

from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions.recover import innermost, recover


class RelaxedSample(Distribution):
    """Draws from ``law``; its KL to another one is that of the discrete laws.

    It has no density: an engine that would fall back to one is told so.

    Args:
        law: a relaxed law, with the wrappers of the host.
        discrete: the discrete law behind it.
    """

    pytree_data_fields = ("law", "discrete")
    has_rsample = True

    def __init__(self, law: Distribution, discrete: Distribution) -> None:
        self.law, self.discrete = law, discrete
        super().__init__(law.batch_shape, law.event_shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return self.law.support

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        return self.law.sample(key, sample_shape)

    def log_prob(self, value: Array, intermediates: Any = None) -> Array:
        raise NotImplementedError("a relaxed sample counts in a KL only")


@kl_divergence.register(RelaxedSample, RelaxedSample)
def _kl_of_discrete_laws(p: RelaxedSample, q: RelaxedSample) -> Array:
    return kl_divergence(p.discrete, q.discrete)


class RelaxedSampleMessenger(Messenger):
    """Makes the relaxed sites of a guide, then of a model, a :class:`RelaxedSample`.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
    """

    def __init__(self, sites: dict[str, Distribution], *, is_model: bool) -> None:
        super().__init__()
        self.sites, self.is_model = sites, is_model

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        name, law = msg["name"], msg["fn"]
        if self.is_model and name not in self.sites:
            return
        discrete = recover(law)
        if self.is_model and discrete is None:
            raise ValueError(
                f"expected a law with a discrete one behind it at site '{name}' of the "
                f"model, as in the guide; got {type(innermost(law)).__name__}"
            )
        one_hot = isinstance(innermost(law), OneHotCategorical)
        if discrete is not None and (self.is_model or not one_hot):
            self.sites.setdefault(name, law)
            msg["fn"] = RelaxedSample(law, discrete)
