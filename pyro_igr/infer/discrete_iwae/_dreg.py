"""DReG, the doubly reparameterized gradient: paths count by squared weights.

In the plain gradient of the bound, the path through a sample counts by its normalized
weight w, and beside it stands the score of log q. With a the scale of log q relative to
that of the element, the score has the same mean as :math:`-a (w - w^2)` of the path. So
it is left out, and the path counts by :math:`w (1 - a (1 - w))`: by :math:`w^2` where
scales are equal.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from operator import mul
from typing import Any, Literal, get_args

from torch import Tensor

from pyro_igr._typed import Message
from pyro_igr.handlers._site_weights import total_mask
from pyro_igr.infer.discrete_iwae._bound import Bound
from pyro_igr.infer.discrete_iwae._elements import Frames, frames_of, names_and_dims
from pyro_igr.infer.discrete_iwae._linear_sites import CountedLinearly, has_noise

Gradient = Literal["plain", "doubly reparameterized"]
DEPENDS = (
    "expected the distribution of the guide at site '{}' not to depend on samples of "
    "others: its part of a doubly reparameterized gradient is not known, use "
    "gradient='plain'"
)


def check_gradient(gradient: Gradient) -> None:
    """Raises unless it is the name of a gradient.

    Args:
        gradient: the name.
    """
    if gradient not in get_args(Gradient):
        raise ValueError(
            f"expected gradient to be one of {get_args(Gradient)}, got {gradient!r}"
        )


def check_independent(dependent: Sequence[str]) -> None:
    """Raises if there are relaxed sites of a guide that depend on samples of others.

    Args:
        dependent: their names.
    """
    if dependent:
        raise ValueError(DEPENDS.format(dependent[0]))


def scale_paths(
    guide: Mapping[str, Message], plates: Frames, found: Bound, nesting: int
) -> None:
    """Scales what relaxed samples hand back to the parameters of a guide.

    Args:
        guide: its sites.
        plates: within which they were drawn.
        found: the bound, and the weights of samples.
        nesting: the number of dimensions that plates have.

    Raises:
        ValueError: at a relaxed site that depends on samples of others.
    """
    for name, site in guide.items():
        is_relaxed = isinstance(site.get("fn"), CountedLinearly)
        if is_relaxed and plates <= frames_of(site) and has_noise(site["fn"].dist):
            is_dependent = len(site["fn"].batch_shape) > nesting
            check_independent([name] if is_dependent else [])
            factor = _factor(site, names_and_dims(plates)[1], found, nesting)
            value = site["value"]
            if value.requires_grad:
                value.register_hook(partial(mul, factor.to(value.dtype)))


def _factor(
    site: Message, plates: tuple[int, ...], found: Bound, nesting: int
) -> Tensor:
    dist, of_element = site["fn"].dist, found.scale
    if isinstance(of_element, Tensor) and of_element.dim() > 0:
        of_element = _spread(of_element[None], plates, nesting)
    share: Any = site["scale"] / of_element
    mask, events = total_mask(site | {"fn": dist}), (..., *[None] * dist.event_dim)
    share = share[events] if isinstance(share, Tensor) and share.dim() > 0 else share
    share = share * (mask[..., None] if isinstance(mask, Tensor) else float(mask))
    weights = _spread(found.weights, plates, nesting)[events]
    return 1 - share * (1 - weights)


def _spread(x: Any, plates: tuple[int, ...], nesting: int) -> Tensor:
    """Puts the dimensions of plates where they are in a batch."""
    shape = [len(x), *[1] * nesting]
    for dim, size in zip(plates, x.shape[1:], strict=True):
        shape[dim] = size
    return x.reshape(shape)
