"""The log of the mean weight of samples, in each element of the plates."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
from pyro.poutine import Trace
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.infer._data_plates import check_whole
from pyro_igr.infer._plates import sum_to_plates


class Term(NamedTuple):
    """The log-density of a site, scaled and masked.

    Args:
        log_prob: negative in a guide, of all samples.
        scale: what it is scaled by.
        is_observed: whether the site is.
        depends: whether it depends on the samples.
    """

    log_prob: Tensor
    scale: Any
    is_observed: bool
    depends: bool


class Bound(NamedTuple):
    """A bound, and what it was made of.

    Args:
        elbo: the bound.
        weights: of the samples, which add up to 1 in each element, or None.
        scale: of each element.
    """

    elbo: Tensor
    weights: Tensor | None = None
    scale: Any = 1.0


def scored(model: Trace, guide: Trace) -> Iterator[tuple[int, Message]]:
    """The sites that count, each with the sign of its log-density.

    A latent site of the model that the guide lacks is drawn from the model, and left
    out.

    Args:
        model: its trace.
        guide: its trace.
    """
    for site in guide.nodes.values():
        if _is_sample(site):
            yield -1, site
    for name, site in model.nodes.items():
        if _is_sample(site) and (site["is_observed"] or name in guide.nodes):
            yield 1, site


def terms_of(
    model: Trace, guide: Trace, nesting: int, names: tuple[str, ...]
) -> list[Term]:
    """The terms of a bound, those with a dimension to the left of all plates apart.

    Args:
        model: its trace.
        guide: its trace.
        nesting: the number of dimensions that plates have.
        names: of the plates of the elements.
    """
    terms = []
    for sign, site in scored(model, guide):
        depends = site["log_prob"].dim() > nesting
        if depends:
            check_whole(site, names)
        log_prob, is_observed = sign * site["log_prob"], site["is_observed"]
        terms.append(Term(log_prob, site["scale"], is_observed, depends))
    return terms


def bound(terms: Sequence[Term], plates: tuple[int, ...]) -> Bound:
    r""":math:`\sum_e c_e \log \frac{1}{S} \sum_s \exp(\log w_{es} / c_e)`.

    Here c is what scales the observations, on average, so that a scale of everything,
    that of a subsampled plate say, is a factor of the bound, and one of the latent
    variables alone an exponent of their part of a weight. Terms that do not depend on
    the samples are added.

    Args:
        terms: of model and guide, each with its sign and its scale.
        plates: dimensions of the elements e, counted from the right.
    """
    others = [term.log_prob for term in terms if not term.depends]
    of_samples = [term for term in terms if term.depends]
    elbo = cast(Tensor, sum(x.sum() for x in others))
    if not of_samples:
        return Bound(elbo)
    parts = [sum_to_plates(term.log_prob, plates) for term in of_samples]
    log_w = cast(Tensor, sum(parts))
    observed = [term for term in of_samples if term.is_observed] or of_samples
    scales = [_scale(term, plates) for term in observed]
    scale = cast(Tensor, sum(scales)) / len(scales)
    of_each = torch.logsumexp(log_w / scale, 0) - math.log(len(log_w))
    weights = torch.softmax(log_w / scale, 0).detach()
    return Bound(elbo + (scale * of_each).sum(), weights, scale)


def _scale(term: Term, plates: tuple[int, ...]) -> Tensor | float:
    """The scale of a term, averaged over all dimensions but those of plates."""
    scale, one = term.scale, torch.ones_like(term.log_prob[:1])
    if not isinstance(scale, Tensor) or scale.dim() == 0:
        return scale
    return (sum_to_plates(one * scale, plates) / sum_to_plates(one, plates))[0]


def _is_sample(site: Message) -> bool:
    return site["type"] == "sample" and not site_is_subsample(site)
