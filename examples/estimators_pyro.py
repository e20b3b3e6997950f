"""The ELBOs behind the gradient estimators of the discrete VAE."""

from enumeration_pyro import EnumeratedELBO, all_codes
from pyro.infer import ELBO, Trace_ELBO, TraceMeanField_ELBO

from pyro_igr import TraceDiscreteKL_ELBO, TraceSTL_ELBO

ELBOS = {
    "analytic-kl": TraceMeanField_ELBO,
    "monte-carlo-kl": Trace_ELBO,
    "stl": TraceSTL_ELBO,
    "discrete-kl": TraceDiscreteKL_ELBO,
    "straight-through": TraceDiscreteKL_ELBO,
}
VECTORIZED = {"vectorize_particles": True, "max_plate_nesting": 1}


def make_elbo(estimator: str, code: tuple[int, int], num_samples: int) -> ELBO:
    """The objective of an estimator, averaged over samples unless it is exact.

    Args:
        estimator: One of `ESTIMATORS`.
        code: The variables of a code, and the categories of each.
        num_samples: Codes for each image.
    """
    if estimator == "exact":
        return EnumeratedELBO(all_codes(*code))
    return ELBOS[estimator](num_particles=num_samples, **VECTORIZED)
