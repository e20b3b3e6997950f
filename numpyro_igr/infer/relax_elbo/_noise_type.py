"""Which noise is behind the category of a site."""

from numpyro.distributions import Distribution

from numpyro_igr.distributions import (
    ExpRelaxedOneHotCategorical,
    GaussianPushforward,
    GumbelNoise,
    OneHotCategorical,
)
from numpyro_igr.distributions.noise import without_noise
from numpyro_igr.distributions.recovering import innermost

OF_GUMBELS = OneHotCategorical | ExpRelaxedOneHotCategorical


def noise_type(distribution: Distribution, site: str) -> type | None:
    """The noise behind a category; None if there is no discrete distribution.

    Args:
        distribution: of a guide, with the wrappers of the host.
        site: its name.

    Raises:
        ValueError: if there is a discrete distribution, but its noise is not known.
    """
    distribution = innermost(distribution)
    if isinstance(distribution, OF_GUMBELS):
        return GumbelNoise
    if not isinstance(distribution, GaussianPushforward):
        return None
    if distribution.noise_type is None:
        raise ValueError(
            f"expected a distribution that can be drawn given its category at site "
            f"'{site}' of the guide, {without_noise(distribution)}; weights of "
            "relaxed counts, always InfiniteIGR, are trained by TraceUnorderedSet_ELBO"
        )
    return distribution.noise_type
