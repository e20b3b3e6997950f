"""The ELBOs behind the gradient estimators of the discrete VAE."""

from functools import partial

from numpyro.infer import Trace_ELBO, TraceMeanField_ELBO
from numpyro.infer.elbo import ELBO

from numpyro_igr import (
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


def make_elbo(estimator: str, num_samples: int) -> ELBO:
    """The objective of an estimator.

    Args:
        estimator: One of `ESTIMATORS`.
        num_samples: Codes for each image, to average over or to make a set of.
    """
    if estimator == "exact":
        return TraceEnumeratedDiscrete_ELBO()
    if estimator == "unordered-set":
        return TraceUnorderedSet_ELBO(num_samples)
    particles = {"num_particles": num_samples}
    return ELBOS[estimator](**particles)
