"""Arguments that are handed on: to objectives of the host, and to ``relax``."""

from collections.abc import Collection
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

    family: type[Distribution]
    one_hot: Collection[str]
    keep: Collection[str]
    num_sticks: int | None
