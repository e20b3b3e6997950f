"""A check that a guide has every latent site of its model, one-hot where that is."""

from collections.abc import Callable

from numpyro.distributions import Distribution

from numpyro_igr._host import Messenger
from numpyro_igr.handlers._cond import OutsideCondMessenger
from numpyro_igr.infer._one_hot_sites import check_drawn, check_labels

LACKING = (
    "site '{}' is latent in the model and the guide lacks it, so that its density "
    "would count on one side only: give the guide that site, which AutoIGR has if it "
    "is latent in the first run; or, if it is discrete, as one that relax keeps, mark "
    "it by config_enumerate, and sum it out by the host's TraceEnum_ELBO"
)


class GuidedMessenger(Messenger):
    """Refuses a latent site that the guide lacks or misfits, and labels of a density.

    Args:
        guided: the distributions of the guide by site, which its runs fill.
        is_model: whether it handles the model.
    """

    def __init__(self, guided: dict[str, Distribution], *, is_model: bool) -> None:
        super().__init__()
        self.guided, self.is_model = guided, is_model

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample":
            return
        if msg["is_observed"]:
            check_labels(msg)
        elif not self.is_model:
            self.guided[msg["name"]] = msg["fn"]
        elif msg["name"] not in self.guided:
            raise ValueError(LACKING.format(msg["name"]))
        else:
            check_drawn(self.guided[msg["name"]], msg)


def with_guided_latents(model: Callable, guide: Callable) -> tuple[Callable, Callable]:
    """The pair; the model raises at a latent site that no run of the guide has had.

    Args:
        model: the model.
        guide: the guide, to be run first.
    """
    guided: dict[str, Distribution] = {}
    of_model, of_guide = (GuidedMessenger(guided, is_model=x) for x in (True, False))
    return of_model(OutsideCondMessenger(model)), of_guide(guide)
