"""Arguments that are handed on: to objectives of the host, and to ``relax``."""

from collections.abc import Collection
from typing import TypedDict

from numpyro.distributions import Distribution


class ELBOOptions(TypedDict, total=False):
    """Those of ``ELBO``, beside the number of particles."""

    vectorize_particles: bool


class TraceOptions(ELBOOptions, total=False):
    """Those of ``Trace_ELBO`` and ``TraceMeanField_ELBO``."""

    sum_sites: bool


class RelaxOptions(TypedDict, total=False):
    """Those of ``relax``, beside the model and the temperature."""

    family: type[Distribution]
    one_hot: Collection[str]
    keep: Collection[str]
    num_sticks: int | None
