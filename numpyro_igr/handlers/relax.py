"""An effect handler that relaxes a discrete model as it stands."""

from collections.abc import Callable, Collection
from functools import partial

from jax.typing import ArrayLike
from numpyro.distributions import Distribution
from numpyro.handlers import reparam

from numpyro_igr.distributions import IGRStickBreaking
from numpyro_igr.distributions.recover import innermost
from numpyro_igr.handlers.igr_reparam import IGRReparam

ENUMERATED = (
    "site '{}' is marked for enumeration, and a relaxed value cannot be enumerated: "
    "relax the model without config_enumerate, or enumerate it without relax"
)

SCANNED = (
    "site '{}' has its value already, as around a scan: "
    "relax the step of the scan instead, scan(relax(step, temperature), ...)"
)


def relax(
    fn: Callable,
    temperature: ArrayLike,
    *,
    law: type[Distribution] = IGRStickBreaking,
    one_hot: Collection[str] = (),
    num_sticks: int | None = None,
) -> Callable:
    r"""Relaxes every discrete latent site of a model, by :class:`IGRReparam`.

    Each gets a relaxed law with exactly its probabilities, be they constants,
    functions of parameters or of the values of earlier sites, in its plates and under
    its masks. Observed sites and continuous ones are untouched. A model is relaxed,
    trained with a guide such as :class:`AutoIGR`, and :func:`discretize` turns both
    into discrete programs again.

    Args:
        fn: a model.
        temperature: :math:`\tau > 0` of the relaxed laws, as in :class:`IGRReparam`.
        law: the relaxed family, as in :class:`IGRReparam`.
        one_hot: names of the sites of ``Categorical`` that are to deliver one-hot
            vectors in place of integers.
        num_sticks: the number of counts to tell apart, as in :class:`IGRReparam`.

    Raises:
        ValueError: at a discrete latent site that cannot be relaxed, for the reason
            that it states, or that is marked for enumeration.

    Source: not in the paper.
    """
    make = partial(IGRReparam, temperature, law=law, num_sticks=num_sticks)
    config = partial(_reparam_of, make=make, one_hot=one_hot)
    return reparam(fn, config=config)


def _reparam_of(
    site: dict, make: Callable, one_hot: Collection[str]
) -> IGRReparam | None:
    if site["is_observed"] or not _is_discrete(site["fn"]):
        return None
    if site["infer"].get("enumerate"):
        raise ValueError(ENUMERATED.format(site["name"]))
    if site["value"] is not None:
        raise ValueError(SCANNED.format(site["name"]))
    return make(one_hot=site["name"] in one_hot)


def _is_discrete(law: Distribution) -> bool:
    support = getattr(innermost(law), "support", None)
    return getattr(support, "is_discrete", False)
