"""The part of a guide that a function of the user makes."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax import Array, random
from numpyro import handlers
from numpyro.infer.autoguide import AutoGuide

from numpyro_igr.infer.autoguide._followed_sites import is_guided

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
    return part if isinstance(part, AutoGuide) else _Returning(part)


# A function, with what the host asks of its own guides; that of Pyro has no median.
class _Returning:
    def __init__(self, guide: Callable) -> None:
        self._guide = guide

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Array]:
        sites = handlers.trace(self._guide).get_trace(*args, **kwargs)
        return {name: site["value"] for name, site in sites.items() if is_guided(site)}

    def sample_posterior(
        self,
        rng_key: Array,
        params: dict[str, Any],
        *args: Any,
        sample_shape: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> dict[str, Array]:
        def draw(key: Array) -> dict[str, Array]:
            seeded, at = handlers.seed(rng_seed=key), handlers.substitute(data=params)
            with handlers.block(), seeded, at:
                return self(*args, **kwargs)

        found = jax.vmap(draw)(random.split(rng_key, math.prod(sample_shape)))
        return {n: x.reshape(sample_shape + x.shape[1:]) for n, x in found.items()}

    def median(self, params: dict[str, Any]) -> dict[str, Array]:
        return {}

    def quantiles(self, params: dict[str, Any], quantiles: Any) -> dict[str, Array]:
        return {}
