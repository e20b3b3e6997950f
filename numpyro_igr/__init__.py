"""Invertible Gaussian Reparameterization for NumPyro."""

try:
    import numpyro as _  # noqa: F401
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "numpyro_igr needs NumPyro: pip install 'pyro-igr[numpyro]'", name=_error.name
    ) from None

from numpyro_igr.discrete import (
    argmax_probs,
    lookup,
    match_moments,
    match_probs,
    num_active,
    stick_probs,
    straight_through,
    truncate,
)
from numpyro_igr.distributions import (
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
    OneHotCategorical,
    OneHotCategoricalReinMax,
    RaoBlackwellized,
    RelaxedOneHotCategorical,
    RelaxedOneHotCategoricalStraightThrough,
    recover,
)
from numpyro_igr.handlers import IGRReparam, discretize, relax
from numpyro_igr.infer import (
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
from numpyro_igr.transforms import (
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
    "OneHotCategorical",
    "OneHotCategoricalReinMax",
    "RaoBlackwellized",
    "RelaxedOneHotCategorical",
    "RelaxedOneHotCategoricalStraightThrough",
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
