"""What weighs the density of a site: its scale, its masks and its shape."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike
from numpyro.distributions import (
    Distribution,
    ExpandedDistribution,
    Independent,
    MaskedDistribution,
)

from numpyro_igr._host import mask_of

Mask = Array | np.ndarray | bool


def agreement(guide_site: dict, model_site: dict) -> dict[str, bool | Array]:
    """Whether a guide and a model weigh the density of a site alike, by aspect.

    Only where they do is the sum of their terms a multiple of a KL, which no change of
    variables changes. Aspects are "shape", "scale" and "mask", those of the host's
    handlers and of the wrappers of a distribution together. In NumPyro what is traced
    by jit is known when it runs: then it is an array.

    Args:
        guide_site: a site of the guide, or its message, with its value.
        model_site: that of the same name of the model.
    """
    if not _fits(guide_site["value"].shape, model_site["fn"].shape()):
        return {"shape": False}
    masks = total_mask(guide_site), total_mask(model_site)
    scales = _scale(guide_site), _scale(model_site)
    return {"shape": True, "scale": _same(*scales), "mask": _same(*masks)}


def total_mask(site: dict) -> Mask:
    """Where the density of a site counts, of the shape of its innermost batch.

    Args:
        site: a site, or a message.
    """
    dist: Distribution = site["fn"]
    mask: Mask = True
    while isinstance(dist, Independent | MaskedDistribution | ExpandedDistribution):
        if isinstance(dist, MaskedDistribution):
            mask = _both(mask, _concrete(mask_of(dist)))
        elif isinstance(dist, Independent) and not isinstance(mask, bool):
            mask = mask[(..., *[None] * dist.reinterpreted_batch_ndims)]
        dist = dist.base_dist
    return mask


def _scale(site: dict) -> ArrayLike:
    return 1.0 if site["scale"] is None else site["scale"]


# Operations of jax on concrete arrays are traced as well under jit.
def _concrete(x: Mask) -> Mask:
    return x if isinstance(x, bool | Tracer) else np.asarray(x)


def _both(a: Mask, b: Mask) -> Mask:
    if a is True or b is True:
        return b if a is True else a
    return a & b


def _fits(guide: tuple[int, ...], model: tuple[int, ...]) -> bool:
    """Whether a model's term is summed over no more than the guide's."""
    missing = len(guide) - len(model)
    pairs = zip(guide[max(missing, 0) :], model, strict=False)
    return missing >= 0 and all(p in (1, q) for q, p in pairs)


def _same(a: ArrayLike, b: ArrayLike) -> bool | Array:
    if a is b:
        return True
    if isinstance(a, Tracer) or isinstance(b, Tracer):
        return jnp.all(jnp.equal(a, b))
    return bool(np.all(np.asarray(a) == np.asarray(b)))
