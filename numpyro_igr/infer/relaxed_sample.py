"""A relaxed law that draws as itself and counts, in a KL, as its discrete law."""

from typing import Any

from jax import Array
from numpyro.distributions import Distribution, constraints
from numpyro.distributions.kl import kl_divergence

from numpyro_igr.distributions import OneHotCategorical
from numpyro_igr.distributions.recover import innermost, recover
from numpyro_igr.infer.discrete_site import DiscreteSiteMessenger


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


class RelaxedSampleMessenger(DiscreteSiteMessenger):
    """Makes the relaxed sites of a guide, then of a model, a :class:`RelaxedSample`.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
    """

    def _recover(self, name: str, law: Distribution) -> Distribution | None:
        one_hot = isinstance(innermost(law), OneHotCategorical)
        return None if one_hot and not self.is_model else recover(law)

    def _replace(self, law: Distribution, discrete: Distribution) -> Distribution:
        return RelaxedSample(law, discrete)
