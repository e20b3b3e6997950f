"""The terms of an ELBO at given one-hot values."""

from collections.abc import Iterator

from pyro.poutine import Trace
from torch import Tensor

from pyro_igr.infer._sites import check_reparameterized, is_one_hot


def terms(
    model_trace: Trace, guide_trace: Trace, *, with_score: bool = False
) -> Iterator[Tensor]:
    """What adds up to the ELBO, without the score of one-hot sites.

    Args:
        model_trace: of the model.
        guide_trace: of the guide.
        with_score: whether they have the score of one-hot sites all the same.
    """
    for site in model_trace.nodes.values():
        if site["type"] == "sample":
            yield site["log_prob"]
    for site in guide_trace.nodes.values():
        if site["type"] == "sample":
            check_reparameterized(site)
            log_prob = site["log_prob"]
            is_fixed = is_one_hot(site) and not with_score
            yield -log_prob.detach() if is_fixed else -log_prob
