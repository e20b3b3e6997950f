"""The part of a guide that a function of the user makes."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from pyro import poutine
from torch import Tensor
from torch.nn import Module

from pyro_igr.infer.autoguide._followed_sites import is_guided

NO_GUIDE = (
    "expected continuous to return a guide of the model that it is called with, such "
    "as an automatic one of the host, got {!r}"
)


def continuous_part(continuous: Callable, model: Callable) -> Callable:
    """The guide of continuous sites, which returns their values.

    Args:
        continuous: as in :class:`AutoIGR`.
        model: with the other sites hidden.

    Raises:
        TypeError: if it returns no guide.
    """
    if not callable(part := continuous(model)):
        raise TypeError(NO_GUIDE.format(part))
    return part if isinstance(part, Module) else partial(_values, part)


def _values(guide: Callable, /, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
    sites = poutine.trace(guide).get_trace(*args, **kwargs).nodes
    guided = {name: site for name, site in sites.items() if is_guided(site)}
    return {name: cast(Tensor, site["value"]) for name, site in guided.items()}
