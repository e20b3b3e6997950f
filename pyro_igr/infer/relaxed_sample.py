"""A relaxed law that draws as itself and counts, in a KL, as its discrete law."""

from typing import Any

import torch
from pyro.distributions import Distribution, OneHotCategorical, TorchDistribution
from torch import Size, Tensor
from torch.distributions import constraints, kl_divergence, register_kl

from pyro_igr.distributions.recover import innermost, recover
from pyro_igr.infer.discrete_site import DiscreteSiteMessenger


class RelaxedSample(TorchDistribution):
    """Draws from ``law``; its KL to another one is that of the discrete laws.

    It has no density: an engine that would fall back to one is told so.

    Args:
        law: a relaxed law, with the wrappers of the host.
        discrete: the discrete law behind it.
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, law: Distribution, discrete: Distribution) -> None:
        self.law, self.discrete = law, discrete
        super().__init__(law.batch_shape, law.event_shape, validate_args=False)

    def expand(self, batch_shape: Size, _instance: Any = None) -> "RelaxedSample":
        law, discrete = (x.expand(batch_shape) for x in (self.law, self.discrete))
        return RelaxedSample(law, discrete)

    @property
    def support(self) -> constraints.Constraint:
        return self.law.support

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return self.law.rsample(sample_shape)

    # The host asks for every density, even where it then uses the KL.
    def log_prob(self, value: Tensor) -> Tensor:
        shape = value.shape[: value.dim() - self.event_dim]
        return value.new_zeros(torch.broadcast_shapes(shape, self.batch_shape))


@register_kl(RelaxedSample, RelaxedSample)
def _kl_of_discrete_laws(p: RelaxedSample, q: RelaxedSample) -> Tensor:
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
