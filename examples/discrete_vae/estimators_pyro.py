"""The ELBOs behind the gradient estimators of the discrete VAE."""

from functools import partial

from pyro.infer import ELBO, Trace_ELBO, TraceMeanField_ELBO

from pyro_igr import (
    TraceDiscreteKL_ELBO,
    TraceEnumeratedDiscrete_ELBO,
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
    "relax": partial(TraceRELAX_ELBO, name="relax"),
    "rebar": partial(TraceRELAX_ELBO, name="relax", control_variate=None),
}
VECTORIZED = {"vectorize_particles": True, "max_plate_nesting": 1}


def make_elbo(estimator: str, num_samples: int) -> ELBO:
    """The objective of an estimator.

    Args:
        estimator: One of `ESTIMATORS`.
        num_samples: Codes for each image, to average over or to make a set of.
    """
    if estimator == "exact":
        return TraceEnumeratedDiscrete_ELBO(max_plate_nesting=1)
    if estimator == "unordered-set":
        return TraceUnorderedSet_ELBO(num_samples, max_plate_nesting=1)
    particles = {"num_particles": num_samples, **VECTORIZED}
    return ELBOS[estimator](**particles)
