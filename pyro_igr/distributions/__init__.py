"""The laws of the family, and the KL divergences between them."""

import pyro_igr.distributions._kl_sticks  # noqa: F401
import pyro_igr.distributions.kl  # noqa: F401
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.exp_igr import ExpIGR
from pyro_igr.distributions.expected_one_hot import ExpectedOneHotCategorical
from pyro_igr.distributions.flow import IGRFlow
from pyro_igr.distributions.gem import GEM
from pyro_igr.distributions.igr import IGR
from pyro_igr.distributions.igr_straight_through import (
    IGRStraightThrough,
    straight_through,
)
from pyro_igr.distributions.infinite import InfiniteIGR
from pyro_igr.distributions.kumaraswamy import Kumaraswamy
from pyro_igr.distributions.recovering import recover
from pyro_igr.distributions.relaxed_one_hot import ExpRelaxedOneHotCategorical
from pyro_igr.distributions.stick_breaking import IGRStickBreaking

__all__ = [
    "GEM",
    "GaussianPushforward",
    "IGR",
    "ExpIGR",
    "ExpRelaxedOneHotCategorical",
    "ExpectedOneHotCategorical",
    "IGRFlow",
    "IGRStickBreaking",
    "IGRStraightThrough",
    "InfiniteIGR",
    "Kumaraswamy",
    "recover",
    "straight_through",
]
