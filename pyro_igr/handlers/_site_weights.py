"""What weighs the density of a site: its scale, its masks and its shape."""

from typing import cast

import torch
from pyro.distributions import MaskedDistribution
from torch import Size, Tensor
from torch.distributions import Independent

from pyro_igr._host import mask_of
from pyro_igr._typed import Distribution, Message

Mask = Tensor | bool


def agreement(guide_site: Message, model_site: Message) -> dict[str, bool]:
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
    scales = guide_site["scale"], model_site["scale"]
    return {"shape": True, "scale": _same(*scales), "mask": _same(*masks)}


def total_mask(site: Message) -> Mask:
    """Where the density of a site counts, of the shape of its innermost batch.

    Args:
        site: a site, or a message.
    """
    dist: Distribution = site["fn"]
    mask: Mask = True if site["mask"] is None else site["mask"]
    while isinstance(dist, Independent | MaskedDistribution):
        if isinstance(dist, MaskedDistribution):
            mask = _both(mask, mask_of(dist))
        elif not isinstance(mask, bool):
            mask = mask[(..., *[None] * dist.reinterpreted_batch_ndims)]
        dist = dist.base_dist
    return mask


def _both(a: Mask, b: Mask) -> Mask:
    if a is True or b is True:
        return b if a is True else a
    return a & b


def _fits(guide: Size, model: Size) -> bool:
    """Whether a model's term is summed over no more than the guide's."""
    missing = len(guide) - len(model)
    pairs = zip(guide[max(missing, 0) :], model, strict=False)
    return missing >= 0 and all(p in (1, q) for q, p in pairs)


def _same(a: Tensor | float, b: Tensor | float) -> bool:
    if a is b:
        return True
    if not (isinstance(a, Tensor) or isinstance(b, Tensor)):
        return a == b
    device = a.device if isinstance(a, Tensor) else cast(Tensor, b).device
    a, b = (torch.as_tensor(x, device=device) for x in (a, b))
    return bool((a == b).all())
