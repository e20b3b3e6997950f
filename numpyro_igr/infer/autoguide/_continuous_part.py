"""The part of a guide that a function of the user makes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from jax import Array
from numpyro import handlers
from numpyro.infer.autoguide import AutoGuide

from numpyro_igr.infer.autoguide._followed_sites import is_guided

NO_GUIDE = (
    "expected continuous to return a guide of the model that it is called with, such "
    "as an automatic one of the host, got {!r}"
)


def continuous_part(continuous: Callable, model: Callable) -> Any:
    """The guide of continuous sites, which returns their values.

    Args:
        continuous: as in :class:`AutoIGR`.
        model: with the other sites hidden.

    Raises:
        TypeError: if it returns no guide.
    """
    if not callable(part := continuous(model)):
        raise TypeError(NO_GUIDE.format(part))
    return part if isinstance(part, AutoGuide) else partial(_values, part)


def _values(guide: Callable, /, *args: Any, **kwargs: Any) -> dict[str, Array]:
    sites = handlers.trace(guide).get_trace(*args, **kwargs)
    return {name: site["value"] for name, site in sites.items() if is_guided(site)}
