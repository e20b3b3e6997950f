"""Sites of a guide whose score has another mean than zero."""

from collections.abc import Iterator

from pyro.distributions import Delta
from torch import Tensor
from torch.distributions.constraints import Constraint

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Distribution, Message
from pyro_igr.distributions.recovering import innermost


def keeps_score(site: Message) -> bool:
    """Whether to leave the score of a site out would bias a gradient.

    So it is at an observation, at a Delta, which may have a density, and where the
    support moves, as that of a uniform distribution between parameters. In NumPyro it
    does if its bounds are arrays.

    Args:
        site: of a guide.
    """
    if site["is_observed"] or site_is_subsample(site):
        return True
    dist = innermost(site["fn"])
    return isinstance(dist, Delta) or any(x.requires_grad for x in _bounds(dist))


def _bounds(dist: Distribution) -> Iterator[Tensor]:
    try:
        yield from _parts(dist.support)
    except NotImplementedError:  # one that has none
        return


def _parts(constraint: Constraint) -> Iterator[Tensor]:
    for part in vars(constraint).values():
        if isinstance(part, Constraint):
            yield from _parts(part)
        elif isinstance(part, Tensor):
            yield part
