"""An effect handler that relaxes a discrete model as it stands."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, ParamSpec, TypeVar

from pyro.distributions import Distribution
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._typed import Message
from pyro_igr.distributions import IGRStickBreaking
from pyro_igr.handlers._categories import check_parts, is_discrete
from pyro_igr.handlers._declared_vectors import DECLARED
from pyro_igr.handlers._fit import check_family, check_num_sticks, check_temperature
from pyro_igr.handlers._module_programs import like_program
from pyro_igr.handlers._names import check_names, warn_of_unknown
from pyro_igr.handlers._programs import check_program
from pyro_igr.handlers._reached_sites import find_and_record, noting_vectors
from pyro_igr.handlers._relaxed_sites import check_observed
from pyro_igr.handlers.reparam import IGRReparam

P = ParamSpec("P")
R = TypeVar("R")

ENUMERATED = (
    "site '{}' is marked for enumeration, and a relaxed value cannot be enumerated: "
    "name the sites to enumerate in keep, and the others are relaxed; or relax the "
    "model without config_enumerate or 'enumerate' in infer"
)

FIXED = (
    "a handler such as replay gives site '{}' its value before it is relaxed, and "
    "that is a discrete one: condition on it, name the site in keep, or apply that "
    "handler, with relaxed values, to the relaxed model"
)


def relax(
    fn: Callable[P, R],
    temperature: Tensor | float | Callable[..., Tensor | float],
    *,
    family: Callable[..., Distribution] = IGRStickBreaking,
    one_hot: Collection[str] = (),
    keep: Collection[str] = (),
    num_sticks: int | None = None,
) -> Callable[P, R]:
    r"""Relaxes every discrete latent site of a model, by :class:`IGRReparam`.

    Each discrete latent site gets a relaxed distribution with exactly its
    probabilities, inside its plates and masks. Probabilities may be constants, or
    functions of parameters and of earlier sites. Observed and continuous sites are left
    as they are, and so are those with ``infer={"relax": False}`` or a name in ``keep``,
    which the host's ``TraceEnum_ELBO`` sums out beside the relaxed ones. Train the
    relaxed model with a guide such as :class:`AutoIGR`; :func:`discretize` turns both
    into discrete programs again.

    A relaxed value lies between the categories: as an index, .97 is truncated to 0, and
    it equals no integer. A program that compares a relaxed value, rounds it or indexes
    with it is therefore refused when :class:`AutoIGR` or an objective of this package
    first runs it. Use :func:`lookup` to index by any value, or stop the gradient of the
    value if the use is intended. Values are not followed through functions that
    the host cannot look into, such as scripted ones and callbacks.

    A low loss of the relaxed pair can hide a poor discrete one. Where a state almost
    determines the next, as in capture-recapture, relaxed states agree with each other
    at little cost and one-hot states do not: the loss can reach the negative evidence
    while the discretized pair is more than 100 nats from it. So report the ELBO of the
    discretized pair, by ``Trace_ELBO``. If it is far off, enumerate such sites
    (``keep``), or write a guide whose sites depend on one another.

    Args:
        fn: a model.
        temperature: :math:`\tau > 0` of the relaxed distributions, as in
            :class:`IGRReparam`; or a function of the arguments of the model that
            returns it, so that it can be annealed.
        family: the relaxed family, as in :class:`IGRReparam`.
        one_hot: names of integer sites, ``Categorical`` and the like, whose values are
            to be one-hot vectors instead.
        keep: names of the sites to leave as they are, such as counts or categories
            that are data, in runs that predict them. Runs warn of names that no site
            has; the latent part of a site "z" with ``obs_mask`` is "z_unobserved".
        num_sticks: how many values of a count to distinguish, as in
            :class:`IGRReparam`.

    Raises:
        TypeError: if ``fn`` is no program, ``one_hot`` or ``keep`` a string or no
            collection, ``family`` no class of distributions, nor callable like one, or
            ``num_sticks`` no integer.
        ValueError: if the value of ``family`` is a logarithm, or ``temperature`` or
            ``num_sticks`` not positive; at a discrete latent site that cannot be
            relaxed, with the reason, or that has its value from another handler; at one
            marked for enumeration, unless ``keep`` names the sites to enumerate (the
            others then lose the mark of ``config_enumerate``).

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
    names = {"one_hot": one_hot, "keep": keep}
    check_program(fn=fn)
    check_names(**names)
    check_temperature(temperature)
    check_family(family)
    check_num_sticks(num_sticks)
    make = partial(IGRReparam, family=family, num_sticks=num_sticks)
    config = partial(_reparam_of, make=make, **names)
    return like_program(partial(_run, config, fn, temperature, names), fn)


def _run(
    config: Callable,
    fn: Callable,
    temperature: Tensor | float | Callable,
    names: dict[str, Collection[str]],
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    tau = temperature(*args, **kwargs) if callable(temperature) else temperature
    seen: list[str] = []
    noted = noting_vectors(seen, names["one_hot"])
    find = partial(config, temperature=tau)
    with noted, _ReparamMessenger(partial(find_and_record, find, seen)):
        result = fn(*args, **kwargs)
    warn_of_unknown(seen, **names)
    return result


def _reparam_of(
    site: Message,
    make: Callable,
    one_hot: Collection[str],
    keep: Collection[str],
    temperature: Tensor | float,
    seen: list[str],
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
    declared = site["name"] in one_hot
    site["infer"] = site["infer"] | {DECLARED: declared}
    check_parts(site["name"], site["fn"], seen, one_hot=declared)
    return make(temperature, one_hot=declared)


# The host's own shows the discrete distribution to strategies that initialize a site.
class _ReparamMessenger(Messenger):
    def __init__(self, config: Callable[[Message], IGRReparam | None]) -> None:
        super().__init__()
        self.config = config

    def _pyro_sample(self, msg: Message) -> None:
        reparam = self.config(msg)
        if reparam is not None:
            msg.update(reparam.apply(msg))
            if msg["is_observed"]:  # a count, which in a guide is no latent site
                msg["infer"] |= {"_deterministic": True, "is_auxiliary": True}

    def _pyro_post_sample(self, msg: Message) -> None:
        if not msg["stop"]:  # as where do intervenes
            check_observed(msg)
