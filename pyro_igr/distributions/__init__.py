"""The families of distributions, and the KL divergences between them."""

import pyro_igr.distributions._kl_sticks  # noqa: F401
import pyro_igr.distributions.kl  # noqa: F401
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.expected_one_hot import ExpectedOneHotCategorical
from pyro_igr.distributions.flow import IGRFlow
from pyro_igr.distributions.gem import GEM
from pyro_igr.distributions.igr import IGR, ExpIGR, IGRStraightThrough
from pyro_igr.distributions.infinite import InfiniteIGR
from pyro_igr.distributions.kumaraswamy import Kumaraswamy
from pyro_igr.distributions.noise import ArgmaxNoise, GumbelNoise, StickNoise
from pyro_igr.distributions.rao_blackwell import RaoBlackwellized
from pyro_igr.distributions.recovering import recover
from pyro_igr.distributions.reinmax import OneHotCategoricalReinMax
from pyro_igr.distributions.relaxed_one_hot import ExpRelaxedOneHotCategorical
from pyro_igr.distributions.stick_breaking import IGRStickBreaking

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
    "OneHotCategoricalReinMax",
    "RaoBlackwellized",
    "StickNoise",
    "recover",
]
