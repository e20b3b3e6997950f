"""What a guide draws where its model masks a site: the values of the model."""

import torch
from pyro.distributions import Distribution, MaskedDistribution
from torch import Tensor
from torch.distributions import Independent, Normal

from pyro_igr.distributions.pushforward import GaussianPushforward


def mask_of(site: dict) -> Tensor | None:
    """The mask over the batch of the innermost distribution; None without one.

    Args:
        site: of a trace, or a message.
    """
    distribution, mask = site["fn"], site["mask"]
    while isinstance(distribution, Independent | MaskedDistribution):
        if isinstance(distribution, MaskedDistribution):
            own = distribution._mask
            mask = own if mask is None else mask & own
        elif mask is not None:
            mask = _with_dims(mask, distribution.reinterpreted_batch_ndims)
        distribution = distribution.base_dist
    return None if mask is None else torch.as_tensor(mask)


def outside_mask(
    mask: Tensor | None,
    like: Distribution,
    loc: Tensor,
    scale: Tensor | float,
) -> tuple[Tensor, Tensor | float]:
    """A mean and a standard deviation, those of the model where a site is masked.

    There the site costs nothing, and free parameters would go wherever they explain
    the data best: the bound would exceed the evidence. Of other distributions than
    ``Normal`` and the relaxed ones the parameters stay.

    Args:
        mask: over the batch of ``like``.
        like: the distribution that the model has.
        loc: the mean of the guide.
        scale: its standard deviation.
    """
    if mask is None or not isinstance(like, GaussianPushforward | Normal):
        return loc, scale
    # A copy, since a program may change its mask in place before the backward pass.
    mask = _with_dims(mask, like.event_dim).to(loc.device, copy=True)
    return torch.where(mask, loc, like.loc), torch.where(mask, scale, like.scale)


def _with_dims(mask: Tensor, number: int) -> Tensor:
    mask = torch.as_tensor(mask)
    return mask.reshape(mask.shape + (1,) * number)
