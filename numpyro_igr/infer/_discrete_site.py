"""A handler that puts the discrete distributions of a guide and its model in place."""

from collections.abc import Callable

from numpyro.distributions import Distribution

from numpyro_igr._host import Messenger
from numpyro_igr.distributions.expected_one_hot import ExpectedOneHotCategorical
from numpyro_igr.distributions.recovering import discrete_behind, innermost, is_of_log
from numpyro_igr.handlers._same_size import check_no_integers, check_same_size
from numpyro_igr.infer._guided_latents import with_guided_latents
from numpyro_igr.infer._one_hot_sites import OF_WEIGHTS

MEAN = (
    "site '{}' has an ExpectedOneHotCategorical, whose value is the mean of a one-hot "
    "variable, so that weights would not be of p(x): write it as OneHotCategorical"
)


class DiscreteSiteMessenger(Messenger):
    """Makes the relaxed sites of a guide, then of a model, one-hot.

    Args:
        sites: filled by a guide; a model's sites of these names are made to match.
        is_model: whether it handles the model.
    """

    def __init__(self, sites: dict[str, Distribution], *, is_model: bool) -> None:
        super().__init__()
        self.sites, self.is_model = sites, is_model

    def process_message(self, msg: dict) -> None:
        if msg["type"] != "sample" or msg["is_observed"]:
            return
        name, dist = msg["name"], msg["fn"]
        if self.is_model and name not in self.sites:
            return
        discrete = self._recover(name, dist)
        if self.is_model:
            size = self.sites[name].event_shape[-1]
            check_discrete(discrete, dist, name, num_categories=size)
        if discrete is not None:
            self.sites.setdefault(name, dist)
            msg["fn"] = discrete

    def _recover(self, name: str, dist: Distribution) -> Distribution | None:
        if is_of_log(dist):
            raise ValueError(
                f"expected a distribution of z at site '{name}', but the value of "
                f"{type(innermost(dist)).__name__} is log z: write the site with IGR "
                "or RelaxedOneHotCategorical"
            )
        return recover_with_gradient(dist, name)


def with_discrete_sites(model: Callable, guide: Callable) -> tuple[Callable, Callable]:
    """The pair with its relaxed sites one-hot, and no latent that the guide lacks.

    Args:
        model: the model.
        guide: the guide, to be run first.
    """
    model, guide = with_guided_latents(model, guide)
    sites: dict[str, Distribution] = {}
    guide = DiscreteSiteMessenger(sites, is_model=False)(guide)
    return DiscreteSiteMessenger(sites, is_model=True)(model), guide


def recover_with_gradient(dist: Distribution, site: str) -> Distribution | None:
    """The discrete distribution behind a relaxed one, None if it has none.

    Args:
        dist: of a model or of a guide, with the wrappers of the host.
        site: its name.

    Raises:
        NotImplementedError: if the discrete distribution has no gradient.
    """
    family = innermost(dist)
    if not getattr(family, "has_discrete_gradient", True):
        raise NotImplementedError(
            f"the discrete distribution of {type(family).__name__}, at site '{site}', "
            "has no gradient, as it is counted: train with the KL of the relaxed "
            "distributions"
        )
    return discrete_behind(dist)


def check_discrete(
    discrete: Distribution | None, dist: Distribution, site: str, *, num_categories: int
) -> None:
    """Raises unless the model has a discrete distribution behind it, as the guide has.

    Args:
        discrete: what was recovered.
        dist: of the model.
        site: its name.
        num_categories: of the guide's discrete distribution.
    """
    check_no_integers(dist, site)
    if discrete is None:
        raise ValueError(
            f"expected a relaxed or one-hot distribution at site '{site}' of the "
            f"model, as in the guide; got {type(innermost(dist)).__name__}: "
            + OF_WEIGHTS
        )
    check_same_size(dist, site, num_categories=num_categories)


def check_no_mean(site: dict) -> None:
    """Raises at a latent site whose value is the mean of a one-hot variable.

    Args:
        site: of a discrete guide or model.
    """
    is_mean = isinstance(innermost(site["fn"]), ExpectedOneHotCategorical)
    if is_mean and not site["is_observed"]:
        raise ValueError(MEAN.format(site["name"]))


def check_same_value(of_guide: Distribution, of_model: Distribution, site: str) -> None:
    """Raises unless the value of a site is z in guide and model, or log z in both.

    Args:
        of_guide: of the guide.
        of_model: of the model.
        site: its name.
    """
    if is_of_log(of_guide) != is_of_log(of_model):
        names = (type(innermost(dist)).__name__ for dist in (of_guide, of_model))
        raise ValueError(
            f"expected the value of site '{site}' to be z in guide and model, or log z "
            f"in both, got {' and '.join(names)}"
        )
