"""The families of distributions, and the KL divergences between them."""

import numpyro_igr.distributions._kl_sticks  # noqa: F401
import numpyro_igr.distributions.kl  # noqa: F401
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.expected_one_hot import ExpectedOneHotCategorical
from numpyro_igr.distributions.flow import IGRFlow
from numpyro_igr.distributions.gem import GEM
from numpyro_igr.distributions.gumbel_softmax import (
    RelaxedOneHotCategorical,
    RelaxedOneHotCategoricalStraightThrough,
)
from numpyro_igr.distributions.igr import IGR, ExpIGR, IGRStraightThrough
from numpyro_igr.distributions.infinite import InfiniteIGR
from numpyro_igr.distributions.kumaraswamy import Kumaraswamy
from numpyro_igr.distributions.noise import ArgmaxNoise, GumbelNoise, StickNoise
from numpyro_igr.distributions.one_hot import OneHotCategorical
from numpyro_igr.distributions.rao_blackwell import RaoBlackwellized
from numpyro_igr.distributions.recovering import recover
from numpyro_igr.distributions.reinmax import OneHotCategoricalReinMax
from numpyro_igr.distributions.relaxed_one_hot import ExpRelaxedOneHotCategorical
from numpyro_igr.distributions.stick_breaking import IGRStickBreaking

__all__ = [
    "GEM",
    "ArgmaxNoise",
    "GaussianPushforward",
    "GumbelNoise",
    "IGR",
    "ExpIGR",
    "ExpRelaxedOneHotCategorical",
    "ExpectedOneHotCategorical",
    "IGRFlow",
    "IGRStickBreaking",
    "IGRStraightThrough",
    "InfiniteIGR",
    "Kumaraswamy",
    "OneHotCategorical",
    "OneHotCategoricalReinMax",
    "RaoBlackwellized",
    "RelaxedOneHotCategorical",
    "RelaxedOneHotCategoricalStraightThrough",
    "StickNoise",
    "recover",
]
