"""An effect handler that samples IGR sites in their Gaussian coordinates."""

import jax.numpy as jnp
from numpyro.distributions import (
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
    Normal,
    TransformedDistribution,
)
from numpyro.distributions.transforms import Transform
from numpyro.primitives import Messenger

from numpyro_igr.distributions import IGR, ExpIGR, IGRStickBreaking
from numpyro_igr.distributions.pushforward import GaussianPushforward
from numpyro_igr.distributions.recover import innermost
from numpyro_igr.transforms import (
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

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        name, law = msg["name"], msg["fn"]
        if not self.is_model and _map_of(law):
            self.maps[name] = _map_of(law)
        if name in self.maps:
            msg["fn"] = _in_log_odds(law, self.maps[name])

    # Traces, which lie outside, have u by now; the program goes on with z.
    def postprocess_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and not msg["is_observed"]:
            if msg["name"] in self.maps:
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
    if isinstance(law, ExpandedDistribution):
        return _in_log_odds(law.base_dist, unit_map).expand(law.batch_shape)
    if isinstance(law, Independent):
        inside = _in_log_odds(law.base_dist, unit_map)
        return inside.to_event(law.reinterpreted_batch_ndims)
    return _gaussian(law)


def _gaussian(law: GaussianPushforward) -> Distribution:
    tau = jnp.expand_dims(law.temperature, -1)
    loc = law.loc / tau
    if not isinstance(law, IGRStickBreaking):
        loc = loc - jnp.expand_dims(jnp.log(law.delta), -1)
    return Normal(loc, law.scale / tau, validate_args=False).to_event(1)
