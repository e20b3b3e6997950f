"""A check that a model draws no relaxed value within NumPyro's ``cond``."""

from numpyro_igr._host import Messenger, is_cond
from numpyro_igr.distributions.recovering import discrete_behind

IN_COND = (
    "site '{}' is drawn within a cond, where NumPyro goes on with a draw of the model "
    "in place of the guide's: draw it before the cond"
)


class OutsideCondMessenger(Messenger):
    """Refuses a relaxed or one-hot site of a model within a ``cond``."""

    def postprocess_message(self, msg: dict) -> None:
        if is_cond(msg):
            for name, site in msg["value"][1].trace.items():
                is_latent = site["type"] == "sample" and not site["is_observed"]
                if is_latent and discrete_behind(site["fn"]) is not None:
                    raise ValueError(IN_COND.format(name))
