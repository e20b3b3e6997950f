"""The part of a guide that a function of the user makes."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from pyro import poutine
from pyro.infer.autoguide import AutoCallable, AutoGuide
from torch import Tensor

from pyro_igr.infer.autoguide._followed_sites import is_guided

NO_GUIDE = (
    "expected continuous to return a guide of the model that it is called with, such "
    "as an automatic one of the host, got {!r}"
)


def starting(
    continuous: Callable, init_loc_fn: Callable | None, init_scale: float | None
) -> Callable:
    """What makes the guide of continuous sites, with the keywords that are given.

    Args:
        continuous: as in :class:`AutoIGR`.
        init_loc_fn: as in :class:`AutoIGR`.
        init_scale: as in :class:`AutoIGR`.
    """
    given = {"init_loc_fn": init_loc_fn, "init_scale": init_scale}
    given = {name: value for name, value in given.items() if value is not None}
    return partial(continuous, **given) if given else continuous


def continuous_part(continuous: Callable, model: Callable) -> AutoGuide:
    """The guide of continuous sites, which returns their values.

    Args:
        continuous: as in :class:`AutoIGR`.
        model: with the other sites hidden.

    Raises:
        TypeError: if it returns no guide.
    """
    if not callable(part := continuous(model)):
        raise TypeError(NO_GUIDE.format(part))
    return part if isinstance(part, AutoGuide) else _Returning(model, part)


# A function, or a module with parameters of its own. The host's reports no median.
class _Returning(AutoCallable):
    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        sites = poutine.trace(self._guide).get_trace(*args, **kwargs).nodes
        guided = {name: site for name, site in sites.items() if is_guided(site)}
        return {name: cast(Tensor, site["value"]) for name, site in guided.items()}

    def quantiles(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        return {}
