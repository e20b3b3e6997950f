"""The bound of weights, the baselines of its samples, and what scales and masks."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import logsumexp

from numpyro_igr._host import not_jax_tracer
from numpyro_igr.handlers._site_weights import agreement
from numpyro_igr.infer._sites import is_one_hot

UNEQUAL = (
    "expected one scale, a number, of all sites that depend on one-hot ones, whose "
    "weights it is a factor of; it differs at site '{}': scale all of them alike, or "
    "train by TraceUnorderedSet_ELBO"
)

UNLIKE = (
    "site '{}' has another mask in the model than in the guide, or counts in only one "
    "of both, so that weights would not be of p(x): let it be latent in both, with the "
    "same mask"
)


def common_scale(sites: Sequence[dict]) -> Array | float:
    """What scales the log-densities of sites, all alike.

    Args:
        sites: of traces, at least one.

    Raises:
        ValueError: if they are not scaled alike, by a number.
    """
    first = _scale(sites[0])
    for site in sites:
        scale = _scale(site)
        is_known = not_jax_tracer(scale) and not_jax_tracer(first)
        is_same = scale is first or (is_known and scale == first)
        if jnp.ndim(scale) or not is_same:
            raise ValueError(UNEQUAL.format(site["name"]))
    return first


def _scale(site: dict) -> Array | float:
    return 1.0 if site["scale"] is None else site["scale"]


def check_masks(sites: Sequence[dict]) -> bool | Array:
    """Raises at a one-hot site that counts otherwise in the model than in the guide.

    In NumPyro it says whether masks agree, which jit may know once the program runs.

    Args:
        sites: of traces.

    Raises:
        ValueError: naming the site.
    """
    is_alike: bool | Array = True
    for name, pair in _by_name(sites).items():
        same = len(pair) == 2 and agreement(*pair).get("mask", True)
        if same is False:
            raise ValueError(UNLIKE.format(name))
        is_alike = is_alike & same
    return is_alike


def _by_name(sites: Sequence[dict]) -> dict[str, list[dict]]:
    """One-hot sites of model and guide, but those that only a guide has."""
    found: dict[str, list[dict]] = {}
    for site in filter(is_one_hot, sites):
        if not site["infer"].get("is_auxiliary"):
            found.setdefault(site["name"], []).append(site)
    return found


def bound_and_score(
    log_w: Array, log_q: Array, scale: Array | float
) -> tuple[Array, Array]:
    """The estimate of the bound, and a term that adds the score to its gradient.

    Args:
        log_w: scaled log weights of S samples in elements of plates.
        log_q: joint log probabilities of the samples, of the same shape.
        scale: of the weights.
    """
    log_w, size = log_w / scale, len(log_w)
    bound = logsumexp(log_w, 0) - math.log(size)
    same = jnp.eye(size, dtype=bool).reshape(size, size, *[1] * (log_w.ndim - 1))
    others = jnp.where(same, 0.0, log_w).sum(1, keepdims=True) / (size - 1)
    baselines = logsumexp(jnp.where(same, others, log_w), 1) - math.log(size)
    advantage = lax.stop_gradient(bound - baselines)
    return (scale * bound).sum(), (scale * advantage * log_q).sum()
