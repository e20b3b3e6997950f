"""Sites of a guide whose score has another mean than zero."""

import jax
from jax import Array
from numpyro.distributions import Delta, Distribution

from numpyro_igr.distributions.recovering import innermost


def keeps_score(site: dict) -> bool:
    """Whether to leave the score of a site out would bias a gradient.

    So it is at an observation, at a Delta, which may have a density, and where the
    support moves, as that of a uniform distribution between parameters. In NumPyro it
    does if its bounds are arrays.

    Args:
        site: of a guide.
    """
    if site["is_observed"]:
        return True
    dist = innermost(site["fn"])
    return isinstance(dist, Delta) or _has_arrays_for_bounds(dist)


def _has_arrays_for_bounds(dist: Distribution) -> bool:
    try:
        bounds = jax.tree.leaves(dist.support)
    except NotImplementedError:  # it has no support
        return False
    return any(isinstance(bound, Array) for bound in bounds)
