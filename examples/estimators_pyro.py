"""The ELBOs behind the gradient estimators of the discrete VAE."""

from collections.abc import Callable

from enumeration_pyro import EnumeratedELBO, all_codes
from pyro.infer import ELBO, Trace_ELBO, TraceMeanField_ELBO
from torch import Tensor

from pyro_igr import (
    TraceDiscreteKL_ELBO,
    TraceRELAX_ELBO,
    TraceSTL_ELBO,
    TraceUnorderedSet_ELBO,
)

ELBOS = {
    "analytic-kl": TraceMeanField_ELBO,
    "monte-carlo-kl": Trace_ELBO,
    "stl": TraceSTL_ELBO,
    "discrete-kl": TraceDiscreteKL_ELBO,
    "straight-through": TraceDiscreteKL_ELBO,
    "rebar": TraceRELAX_ELBO,
}
VECTORIZED = {"vectorize_particles": True, "max_plate_nesting": 1}


def make_elbo(
    estimator: str,
    code: tuple[int, int],
    num_samples: int,
    control_variate: Callable[[dict[str, Tensor]], Tensor],
) -> ELBO:
    """The objective of an estimator.

    Args:
        estimator: One of `ESTIMATORS`.
        code: The variables of a code, and the categories of each.
        num_samples: Codes for each image, to average over or to make a set of.
        control_variate: A learned function of relaxed codes, for RELAX.
    """
    if estimator == "exact":
        return EnumeratedELBO(all_codes(*code))
    if estimator == "unordered-set":
        return TraceUnorderedSet_ELBO(num_samples, max_plate_nesting=1)
    particles = {"num_particles": num_samples, **VECTORIZED}
    if estimator == "relax":
        return TraceRELAX_ELBO(control_variate=control_variate, **particles)
    return ELBOS[estimator](**particles)
