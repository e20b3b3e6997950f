"""The log of the mean weight of samples, in each element of the plates."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import softmax
from jax.scipy.special import logsumexp
from jax.typing import ArrayLike

from numpyro_igr.infer._plates import sum_to_plates

Trace = dict[str, dict]


class Term(NamedTuple):
    """The log-density of a site, scaled and masked.

    Args:
        log_prob: negative in a guide, of all samples.
        scale: what it is scaled by.
        is_observed: whether the site is.
        depends: whether it depends on the samples.
    """

    log_prob: Array
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

    elbo: Array
    weights: Array | None = None
    scale: Any = 1.0


def scored(model: Trace, guide: Trace) -> Iterator[tuple[int, dict]]:
    """The sites that count, each with the sign of its log-density.

    A latent site of the model that the guide lacks is drawn from the model, and left
    out.

    Args:
        model: its trace.
        guide: its trace.
    """
    for site in guide.values():
        if site["type"] == "sample":
            yield -1, site
    for name, site in model.items():
        if site["type"] == "sample" and (site["is_observed"] or name in guide):
            yield 1, site


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
    elbo = cast(Array, sum(x[0].sum() for x in others))
    if not of_samples:
        return Bound(elbo)
    parts = [sum_to_plates(term.log_prob, plates) for term in of_samples]
    log_w = cast(Array, sum(parts))
    observed = [term for term in of_samples if term.is_observed] or of_samples
    scales = [_scale(term, plates) for term in observed]
    scale = cast(Array, sum(scales)) / len(scales)
    of_all, weights = _sum_and_weights(log_w, scale)
    return Bound(elbo + of_all, weights, scale)


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _sum_and_weights(log_w: Array, scale: ArrayLike) -> tuple[Array, Array]:
    of_each = logsumexp(log_w / scale, 0) - math.log(len(log_w))
    weights = lax.stop_gradient(softmax(log_w / scale, 0))
    return (scale * of_each).sum(), weights


def _scale(term: Term, plates: tuple[int, ...]) -> ArrayLike:
    """The scale of a term, averaged over all dimensions but those of plates."""
    scale, one = term.scale, jnp.ones_like(term.log_prob[:1])
    if scale is None or jnp.ndim(scale) == 0:
        return 1.0 if scale is None else scale
    return (sum_to_plates(one * scale, plates) / sum_to_plates(one, plates))[0]
