"""The terms of log p(x, z) - log q(z) of each datum, apart from those of others."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._host import prune_subsample_sites, scale_and_mask
from pyro_igr._typed import Message
from pyro_igr.handlers._site_weights import agreement, total_mask
from pyro_igr.infer._discrete_site import check_no_mean
from pyro_igr.infer._one_hot_sites import check_kinds, check_labels

SAMPLES = "log_weights_samples"
Plates = str | Sequence[str] | None

OUTSIDE = (
    "site '{0}' lies outside of plate '{1}', and data that share it have no weights of "
    "their own: hide it in programs conditioned on it, block(condition(program, data), "
    "hide=['{0}']), or pass plate=() for one weight of all data"
)
SEVERAL = "expected plate to name the plate of the data, one of {}, got None"
UNKNOWN = "expected plate to name a vectorized plate, one of {}, got '{}'"
NOTHING = "expected a model with a sample site that is not masked, got none"
NOT_IN_MODEL = (
    "site '{}' of the guide is not in the model, so that weights would not be of p(x): "
    "rename it, or mark it with infer={{'is_auxiliary': True}} if sites of the model "
    "are computed from it"
)
MASKS = (
    "site '{}' has another mask in the model than in the guide, so that weights would "
    "not be of p(x): use the same mask in both"
)
OBSERVED = (
    "site '{0}' is observed in the guide as well, so that weights would not be of "
    "p(x): hide it there, block(guide, hide=['{0}'])"
)
SUBSAMPLED = (
    "plate '{}' of site '{}' is subsampled within a datum, whose weight needs all of "
    "it: do not subsample it, or, if all sites lie in it, make its elements the data "
    "with plate='{}'"
)


def log_weight(model: Trace, guide: Trace, plate: Plates) -> Tensor:
    """The log-density of the model minus that of the guide, without scales.

    A latent site of the model that the guide lacks is drawn from the model, and left
    out; so is a draw of the guide where the model has an observation.
    In NumPyro, where jit traces masks, weights are NaN if model and guide differ.

    Shape:
        that of the plates of a datum, in Pyro after the one of samples.

    Args:
        model: its trace, at the values of the guide.
        guide: its trace.
        plate: the name of that of the data, names, or None for the one that is shared.

    Raises:
        ValueError: where weights of single data are not defined, by site and remedy.
    """
    scored = _counted(model)
    drawn = _without_draws_of_data(_counted(guide), scored)
    _check_pair(scored, drawn)
    sites = [*scored.values(), *drawn.values()]
    names = _data_plates(sites, plate)
    for site in sites:
        check_whole(site, names)
    total = sum(-_sum_to(site, names) for site in drawn.values())
    for name, site in scored.items():
        if site["is_observed"] or name in drawn:
            total = total + _sum_to(site, names)
    return cast(Tensor, total)


def _counted(trace: Trace) -> dict[str, Message]:
    """The sample sites that are not masked out."""
    return {
        name: site
        for name, site in prune_subsample_sites(trace).nodes.items()
        if site["type"] == "sample" and total_mask(site) is not False
    }


# A weight stays unbiased without the density of such a draw, whatever depends on it.
def _without_draws_of_data(
    drawn: dict[str, Message], scored: dict[str, Message]
) -> dict[str, Message]:
    """The sites of a guide, except for latent ones that the model observes."""
    data = {name for name, site in scored.items() if site["is_observed"]}
    return {
        name: site
        for name, site in drawn.items()
        if site["is_observed"] or name not in data
    }


def _check_pair(scored: dict[str, Message], drawn: dict[str, Message]) -> None:
    if not scored:
        raise ValueError(NOTHING)
    for site in (*scored.values(), *drawn.values()):
        check_no_mean(site)
        check_labels(site)
    for name, site in drawn.items():
        if name in scored:
            if site["is_observed"] and scored[name]["is_observed"]:
                raise ValueError(OBSERVED.format(name))
            if not agreement(site, scored[name]).get("mask", True):
                raise ValueError(MASKS.format(name))
            check_kinds(site, scored[name])
        elif not (site["is_observed"] or site["infer"].get("is_auxiliary")):
            raise ValueError(NOT_IN_MODEL.format(name))


def plates_around(site: Message) -> dict[str, int]:
    """Dimensions of the plates around a site, by name, but those of samples.

    Args:
        site: of a trace, or a message.
    """
    frames = [frame for frame in site["cond_indep_stack"] if frame.vectorized]
    return {frame.name: frame.dim for frame in frames if frame.name != SAMPLES}


def _data_plates(sites: list[Message], plate: Plates) -> tuple[str, ...]:
    found = [plates_around(site) for site in sites]
    every = sorted({name for plates in found for name in plates})
    if plate is None:
        shared = set(every).intersection(*found)
        if len(shared) > 1:
            raise ValueError(SEVERAL.format(sorted(shared)))
        plate = tuple(shared) or _widest(found)
    names = (plate,) if isinstance(plate, str) else tuple(plate)
    for name in names:
        if name not in every:
            raise ValueError(UNKNOWN.format(every, name))
        for site, plates in zip(sites, found, strict=True):
            if name not in plates:
                raise ValueError(OUTSIDE.format(site["name"], name))
    return names


def _widest(found: list[dict[str, int]]) -> tuple[str, ...]:
    """The plate that most sites lie in, if there is one."""
    counts = Counter(name for plates in found for name in plates)
    return tuple(name for name, _ in counts.most_common(1))


def check_whole(site: Message, names: tuple[str, ...]) -> None:
    """Raises if a plate around a site is subsampled that is not one of the data.

    Args:
        site: of a trace.
        names: of the plates of the data.
    """
    for frame in site["cond_indep_stack"]:
        is_whole = frame.full_size is None or frame.size == frame.full_size
        if frame.name not in (SAMPLES, *names) and not is_whole:
            raise ValueError(SUBSAMPLED.format(frame.name, site["name"], frame.name))


def _sum_to(site: Message, names: tuple[str, ...]) -> Tensor:
    """The masked log-density of a site, summed over all but samples and plates."""
    log_prob = site["fn"].log_prob(site["value"], *site["args"], **site["kwargs"])
    log_prob = scale_and_mask(log_prob, mask=site["mask"])
    plates = plates_around(site)
    dims = [f.dim for f in site["cond_indep_stack"] if f.name == SAMPLES]
    dims += [plates[name] for name in names]
    kept = log_prob.movedim(dims, [*range(len(dims))])
    return kept.reshape(*kept.shape[: len(dims)], -1).sum(-1)
