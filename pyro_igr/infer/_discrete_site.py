"""An effect handler that puts the discrete laws of a guide and its model in place."""

from pyro.distributions import Distribution
from pyro.poutine.messenger import Messenger

from pyro_igr._host import Message
from pyro_igr.distributions.recovering import discrete_behind, innermost, is_of_log


class DiscreteSiteMessenger(Messenger):
    """Makes the relaxed sites of a guide, then of a model, one-hot.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
    """

    def __init__(self, sites: dict[str, Distribution], *, is_model: bool) -> None:
        super().__init__()
        self.sites, self.is_model = sites, is_model

    def _pyro_sample(self, msg: Message) -> None:
        name, law = msg["name"], msg["fn"]
        if msg["is_observed"] or (self.is_model and name not in self.sites):
            return
        discrete = self._recover(name, law)
        if self.is_model:
            size = self.sites[name].event_shape[-1]
            check_discrete(discrete, law, name, num_categories=size)
        if discrete is not None:
            self.sites.setdefault(name, law)
            msg["fn"] = discrete

    def _recover(self, name: str, law: Distribution) -> Distribution | None:
        if is_of_log(law):
            raise ValueError(
                f"expected a law of z at site '{name}', but the value of "
                f"{type(innermost(law)).__name__} is log z"
            )
        return recover_with_gradient(law, name)


def recover_with_gradient(law: Distribution, site: str) -> Distribution | None:
    """The discrete law behind a relaxed one, None if it has none.

    Args:
        law: of a model or of a guide, with the wrappers of the host.
        site: its name.

    Raises:
        NotImplementedError: if the discrete law has no gradient.
    """
    family = innermost(law)
    if not getattr(family, "has_discrete_gradient", True):
        raise NotImplementedError(
            f"the discrete law of {type(family).__name__}, at site '{site}', has no "
            "gradient: it is counted; train with the KL of the relaxed laws"
        )
    return discrete_behind(law)


def check_discrete(
    discrete: Distribution | None, law: Distribution, site: str, *, num_categories: int
) -> None:
    """Raises unless the law of a model has a discrete one behind it, as the guide's.

    Args:
        discrete: what was recovered.
        law: of the model.
        site: its name.
        num_categories: of the guide's discrete law.
    """
    if discrete is None:
        raise ValueError(
            f"expected a law with a discrete one behind it at site '{site}' of the "
            f"model, as in the guide; got {type(innermost(law)).__name__}"
        )
    if law.event_shape[-1] != num_categories:
        raise ValueError(
            f"expected the {num_categories} categories of the guide at site '{site}' "
            f"of the model, got {law.event_shape[-1]}"
        )


def check_same_value(
    guide_law: Distribution, model_law: Distribution, site: str
) -> None:
    """Raises unless the value of a site is z in guide and model, or log z in both.

    Args:
        guide_law: of the guide.
        model_law: of the model.
        site: its name.
    """
    if is_of_log(guide_law) != is_of_log(model_law):
        names = (type(innermost(law)).__name__ for law in (guide_law, model_law))
        raise ValueError(
            f"expected the value of site '{site}' to be z in guide and model, or log z "
            f"in both, got {' and '.join(names)}"
        )
