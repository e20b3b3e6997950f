"""An effect handler that relaxes a discrete model as it stands."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, ParamSpec, TypeVar

from jax.typing import ArrayLike
from numpyro.distributions import Distribution
from numpyro.handlers import reparam

from numpyro_igr.distributions import IGRStickBreaking
from numpyro_igr.handlers._categories import check_parts, is_discrete
from numpyro_igr.handlers._declared_vectors import DECLARED
from numpyro_igr.handlers._fit import check_family, check_num_sticks, check_temperature
from numpyro_igr.handlers._names import check_names, warn_of_unknown
from numpyro_igr.handlers._programs import check_program
from numpyro_igr.handlers._reached_sites import find_and_record, noting_vectors
from numpyro_igr.handlers._relaxed_sites import check_observed
from numpyro_igr.handlers.reparam import IGRReparam

P = ParamSpec("P")
R = TypeVar("R")

ENUMERATED = (
    "site '{}' is marked for enumeration, and a relaxed value cannot be enumerated: "
    "name the sites to enumerate in keep, and the others are relaxed; or relax the "
    "model without config_enumerate or 'enumerate' in infer"
)

SCANNED = (
    "site '{}' has its value already, from a scan or a cond: draw it before a cond, "
    "or relax the step of the scan instead, scan(relax(step, temperature), ...)"
)

FIXED = (
    "a handler such as substitute gives site '{}' its value before it is relaxed, and "
    "that is a discrete one: condition on it, name the site in keep, or apply that "
    "handler, with relaxed values, to the relaxed model"
)


def relax(
    fn: Callable[P, R],
    temperature: ArrayLike | Callable[..., ArrayLike],
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
        >>> import jax.numpy as jnp, numpyro
        >>> from numpyro import handlers
        >>> from numpyro_igr import OneHotCategorical, relax
        >>> def model():
        ...     return numpyro.sample("z", OneHotCategorical(jnp.ones(3) / 3))
        >>> relaxed = relax(model, temperature=0.5)
        >>> print(f"{handlers.seed(relaxed, 0)().sum():.4f}")
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
    return partial(_run, config, fn, temperature, names)


def _run(
    config: Callable,
    fn: Callable,
    temperature: ArrayLike | Callable,
    names: dict[str, Collection[str]],
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    tau = temperature(*args, **kwargs) if callable(temperature) else temperature
    seen: list[str] = []
    noted = noting_vectors(seen, names["one_hot"])
    find = partial(config, temperature=tau)
    with noted, _ReparamMessenger(config=partial(find_and_record, find, seen)):
        result = fn(*args, **kwargs)
    warn_of_unknown(seen, **names)
    return result


def _reparam_of(
    site: dict,
    make: Callable,
    one_hot: Collection[str],
    keep: Collection[str],
    temperature: ArrayLike,
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
        is_scanned = site.get("_control_flow_done", False)
        raise ValueError((SCANNED if is_scanned else FIXED).format(site["name"]))
    declared = site["name"] in one_hot
    site["infer"] = site["infer"] | {DECLARED: declared}
    check_parts(site["name"], site["fn"], seen, one_hot=declared)
    return make(temperature, one_hot=declared)


class _ReparamMessenger(reparam):
    def postprocess_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and not msg.get("stop"):  # as where do intervenes
            check_observed(msg)
