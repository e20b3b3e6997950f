"""Invertible Gaussian Reparameterization for Pyro."""

try:
    import pyro as _  # noqa: F401
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "pyro_igr needs Pyro: pip install 'pyro-igr[pyro]'", name=_error.name
    ) from None

from pyro_igr.discrete import (
    argmax_probs,
    lookup,
    match_moments,
    match_probs,
    num_active,
    stick_probs,
    straight_through,
    truncate,
)
from pyro_igr.distributions import (
    GEM,
    IGR,
    ExpectedOneHotCategorical,
    ExpIGR,
    ExpRelaxedOneHotCategorical,
    GaussianPushforward,
    IGRFlow,
    IGRStickBreaking,
    IGRStraightThrough,
    InfiniteIGR,
    Kumaraswamy,
    OneHotCategoricalReinMax,
    RaoBlackwellized,
    recover,
)
from pyro_igr.handlers import IGRReparam, discretize, relax
from pyro_igr.infer import (
    AutoIGR,
    ControlNetwork,
    LogLikelihood,
    TraceDiscreteIWAE_ELBO,
    TraceDiscreteKL_ELBO,
    TraceEnumeratedDiscrete_ELBO,
    TraceRELAX_ELBO,
    TraceSTL_ELBO,
    TraceUnorderedSet_ELBO,
    TraceVIMCO_ELBO,
    assert_analytic_kl,
    grow,
    log_likelihood,
    log_weights,
    reorder,
    reordered_start,
    tail_start,
)
from pyro_igr.transforms import (
    PlanarTransform,
    SoftmaxPlusPlusTransform,
    StickBreakingTransform,
)

__version__ = "0.1.0"

__all__ = [
    "AutoIGR",
    "ControlNetwork",
    "ExpIGR",
    "ExpRelaxedOneHotCategorical",
    "ExpectedOneHotCategorical",
    "GEM",
    "GaussianPushforward",
    "IGR",
    "IGRReparam",
    "IGRFlow",
    "IGRStickBreaking",
    "IGRStraightThrough",
    "InfiniteIGR",
    "Kumaraswamy",
    "LogLikelihood",
    "OneHotCategoricalReinMax",
    "RaoBlackwellized",
    "PlanarTransform",
    "SoftmaxPlusPlusTransform",
    "StickBreakingTransform",
    "TraceDiscreteIWAE_ELBO",
    "TraceDiscreteKL_ELBO",
    "TraceEnumeratedDiscrete_ELBO",
    "TraceRELAX_ELBO",
    "TraceSTL_ELBO",
    "TraceUnorderedSet_ELBO",
    "TraceVIMCO_ELBO",
    "argmax_probs",
    "assert_analytic_kl",
    "discretize",
    "grow",
    "log_likelihood",
    "log_weights",
    "lookup",
    "match_moments",
    "match_probs",
    "num_active",
    "recover",
    "relax",
    "reorder",
    "reordered_start",
    "stick_probs",
    "straight_through",
    "tail_start",
    "truncate",
]
