"""An effect handler that relaxes a discrete model as it stands."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, ParamSpec, TypeVar

from pyro.distributions import Distribution
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._typed import Message
from pyro_igr.distributions import IGRStickBreaking
from pyro_igr.handlers._categories import is_discrete
from pyro_igr.handlers.reparam import IGRReparam, check_family

P = ParamSpec("P")
R = TypeVar("R")

ENUMERATED = (
    "site '{}' is marked for enumeration, and a relaxed value cannot be enumerated: "
    "name the sites to enumerate in keep, and the others are relaxed; or relax the "
    "model without config_enumerate"
)

FIXED = (
    "a handler such as replay gives site '{}' its value before it is relaxed, and "
    "that is a discrete one: condition on it, name the site in keep, or apply that "
    "handler to the relaxed model"
)


def relax(
    fn: Callable[P, R],
    temperature: Tensor | float | Callable[..., Tensor | float],
    *,
    family: type[Distribution] = IGRStickBreaking,
    one_hot: Collection[str] = (),
    keep: Collection[str] = (),
    num_sticks: int | None = None,
) -> Callable[P, R]:
    r"""Relaxes every discrete latent site of a model, by :class:`IGRReparam`.

    Each gets a relaxed distribution with exactly its probabilities, be they constants,
    functions of parameters or of the values of earlier sites, in its plates and under
    its masks. Observed sites and continuous ones are untouched, and so are those of
    ``keep``, to be enumerated beside the relaxed ones, say: a site says that of itself
    by ``infer={"relax": False}``. A model is relaxed, trained with a guide such as
    :class:`AutoIGR`, and :func:`discretize` turns both into discrete programs again.

    A relaxed value lies between the categories: .97 has index 0, and equals none. So a
    program that compares a relaxed value, rounds it or indexes with it is refused when
    :class:`AutoIGR` or an objective of this package first runs it. :func:`lookup`
    indexes by any value; one whose gradient was stopped is taken to be meant so.

    A small loss of the relaxed pair can hide a poor discrete one. Where a state almost
    determines the next, as in capture-recapture, relaxed states agree with each other
    at little cost and one-hot ones do not: the loss can come down to the negative
    evidence while the discretized pair is more than 100 nats from it. So report the
    ELBO of the discretized pair, by ``Trace_ELBO``; where it is far off, enumerate
    such sites (``keep``), or write a guide whose sites depend on one another.

    Args:
        fn: a model.
        temperature: :math:`\tau > 0` of the relaxed distributions, as in
            :class:`IGRReparam`; or a function of the arguments of the model that
            returns it, so that it can be annealed.
        family: the relaxed family, as in :class:`IGRReparam`.
        one_hot: names of the sites of integers, ``Categorical`` and the like, that are
            to deliver one-hot vectors in place of integers.
        keep: names of the sites to leave as they are.
        num_sticks: the number of counts to tell apart, as in :class:`IGRReparam`.

    Raises:
        TypeError: if ``one_hot`` or ``keep`` is a string, or ``family`` no class and
            not called as one.
        ValueError: if the value of ``family`` is a logarithm; at a discrete latent site
            that cannot be relaxed, for the reason that it states, that has its value
            from another handler, or that is marked for enumeration while ``keep`` names
            none: where it does, the others lose the mark of ``config_enumerate``.

    Source:
        Not in the paper.

    Example:
        >>> import pyro, torch
        >>> from pyro.distributions import OneHotCategorical
        >>> from pyro_igr import relax
        >>> def model():
        ...     return pyro.sample("z", OneHotCategorical(torch.ones(3) / 3))
        >>> relaxed = relax(model, temperature=0.5)
        >>> print(f"{relaxed().sum():.4f}")
        1.0000
    """
    check_names(one_hot=one_hot, keep=keep)
    check_family(family)
    make = partial(IGRReparam, family=family, num_sticks=num_sticks)
    config = partial(_reparam_of, make=make, one_hot=one_hot, keep=keep)
    return partial(_run, config, fn, temperature)


def check_names(**given: Collection[str]) -> None:
    """Raises if a collection of names is a string, a collection of its letters.

    Args:
        given: the collections by the names of the arguments.
    """
    for argument, names in given.items():
        if isinstance(names, str):
            raise TypeError(
                f"expected {argument} to be a collection of names, such as "
                f"{{{names!r}}}, got the string {names!r}"
            )


def _run(
    config: Callable,
    fn: Callable,
    temperature: Tensor | float | Callable,
    *args: Any,
    **kwargs: Any,
) -> Any:
    tau = temperature(*args, **kwargs) if callable(temperature) else temperature
    with _ReparamMessenger(partial(config, temperature=tau)):
        return fn(*args, **kwargs)


def _reparam_of(
    site: Message,
    make: Callable,
    one_hot: Collection[str],
    keep: Collection[str],
    temperature: Tensor | float,
) -> IGRReparam | None:
    if site["is_observed"] or not is_discrete(site["fn"]):
        return None
    if site["name"] in keep:
        site["infer"] = site["infer"] | {"relax": False}
    if not site["infer"].get("relax", True):
        return None
    if site["infer"].get("enumerate"):
        if not keep:
            raise ValueError(ENUMERATED.format(site["name"]))
        site["infer"] = site["infer"] | {"enumerate": None}
    if site["value"] is not None:
        raise ValueError(FIXED.format(site["name"]))
    return make(temperature, one_hot=site["name"] in one_hot)


# The host's own shows the discrete distribution to strategies that initialize a site.
class _ReparamMessenger(Messenger):
    def __init__(self, config: Callable[[Message], IGRReparam | None]) -> None:
        super().__init__()
        self.config = config

    def _pyro_sample(self, msg: Message) -> None:
        reparam = self.config(msg)
        if reparam is not None:
            msg.update(reparam.apply(msg))
            msg["infer"]["_deterministic"] = msg["is_observed"]  # a count
