"""Sites of a guide whose score has another mean than zero."""

from collections.abc import Iterator

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
    return isinstance(dist, Delta) or any(True for _ in _bounds(dist))


def _bounds(dist: Distribution) -> Iterator[Array]:
    try:
        leaves = jax.tree.leaves(dist.support)
    except NotImplementedError:  # one that has none
        return
    yield from (leaf for leaf in leaves if isinstance(leaf, Array))
