"""Arguments that are handed on: to objectives of the host, and to ``relax``."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypedDict

from pyro.distributions import Distribution


class ELBOOptions(TypedDict, total=False):
    """Those of ``ELBO``, beside the number of particles."""

    max_plate_nesting: float
    vectorize_particles: bool
    strict_enumeration_warning: bool
    ignore_jit_warnings: bool
    jit_options: dict[str, Any] | None
    retain_graph: bool | None


class TraceOptions(ELBOOptions, total=False):
    """Those of ``Trace_ELBO`` and ``TraceMeanField_ELBO``."""


class RelaxOptions(TypedDict, total=False):
    """Those of ``relax``, beside the model and the temperature."""

    family: Callable[..., Distribution]
    one_hot: Collection[str]
    keep: Collection[str]
    num_sticks: int | None


def check_options(options: Iterable[str]) -> None:
    """Raises at a keyword that neither ``AutoIGR`` nor ``relax`` has.

    Args:
        options: the names of the keywords beside those of ``AutoIGR``.

    Raises:
        TypeError: naming it.
    """
    for name in options:
        if name not in (known := RelaxOptions.__annotations__):
            raise TypeError(
                f"AutoIGR() got an unexpected keyword argument '{name}': expected one "
                f"of its own, or of relax: {', '.join(known)}"
            )
