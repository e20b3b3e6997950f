"""An effect handler that samples IGR sites in their Gaussian coordinates."""

from pyro.distributions import (
    Distribution,
    MaskedDistribution,
    Normal,
    TransformedDistribution,
)
from pyro.poutine.messenger import Messenger
from pyro.poutine.runtime import Message
from torch.distributions import Independent
from torch.distributions.transforms import Transform

from pyro_igr.distributions import IGR, ExpIGR, IGRStickBreaking
from pyro_igr.distributions.pushforward import GaussianPushforward
from pyro_igr.distributions.recover import innermost
from pyro_igr.transforms import (
    LogSoftmaxPlusPlusTransform,
    SoftmaxPlusPlusTransform,
    StickBreakingTransform,
)

MAPS = {
    IGR: SoftmaxPlusPlusTransform(1.0),
    ExpIGR: LogSoftmaxPlusPlusTransform(1.0),
    IGRStickBreaking: StickBreakingTransform(1.0),
}


class LogOddsMessenger(Messenger):
    r"""Samples IGR sites as :math:`u = y / \tau - \log \delta`, and hands on their z.

    z is the image of u at temperature 1, whatever the temperature and delta of the
    law, and u is Gaussian: its density is exact even where entries of z underflow.
    Known are ``IGR``, ``ExpIGR`` and ``IGRStickBreaking`` with tempering "sticks";
    other sites are untouched.

    Args:
        maps: from u to z by site: filled by a guide, obeyed by a model, whose other
            laws at these sites are pulled back through them.
        is_model: whether it handles the model.
    """

    def __init__(self, maps: dict[str, Transform], *, is_model: bool) -> None:
        super().__init__()
        self.maps, self.is_model = maps, is_model

    def _pyro_sample(self, msg: Message) -> None:
        name, law = msg["name"], msg["fn"]
        if not self.is_model and not msg["is_observed"] and _map_of(law):
            self.maps[name] = _map_of(law)
        if not msg["is_observed"] and name in self.maps:
            msg["fn"] = _in_log_odds(law, self.maps[name])

    # Traces, which lie outside, have u by now; the program goes on with z.
    def _pyro_post_sample(self, msg: Message) -> None:
        if not msg["is_observed"] and msg["name"] in self.maps:
            msg["value"] = self.maps[msg["name"]](msg["value"])


def _map_of(law: Distribution) -> Transform | None:
    law = innermost(law)
    return (
        MAPS.get(type(law)) if getattr(law, "tempering", "sticks") == "sticks" else None
    )


def _in_log_odds(law: Distribution, unit_map: Transform) -> Distribution:
    if _map_of(law) is not unit_map:
        return TransformedDistribution(law, [unit_map.inv])
    if isinstance(law, MaskedDistribution):
        return _in_log_odds(law.base_dist, unit_map).mask(law._mask)
    if isinstance(law, Independent):
        inside = _in_log_odds(law.base_dist, unit_map)
        return inside.to_event(law.reinterpreted_batch_ndims)
    return _gaussian(law)


def _gaussian(law: GaussianPushforward) -> Distribution:
    tau = law.temperature.unsqueeze(-1)
    loc = law.loc / tau
    if not isinstance(law, IGRStickBreaking):
        loc = loc - law.delta.log().unsqueeze(-1)
    return Normal(loc, law.scale / tau, validate_args=False).to_event(1)
