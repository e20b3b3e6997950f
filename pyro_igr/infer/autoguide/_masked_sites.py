"""What a guide draws where its model masks a site: the values of the model."""

from typing import Any, cast

import torch
from torch import Tensor
from torch.distributions import Normal

from pyro_igr._numerics.tensors import as_tensor
from pyro_igr._typed import Distribution
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.handlers._site_weights import Mask


def outside_mask(
    mask: Mask,
    like: Distribution,
    loc: Tensor,
    scale: Tensor | float,
) -> tuple[Tensor, Tensor | float]:
    """A mean and a standard deviation, those of the model where a site is masked.

    There the site costs nothing, and free parameters would go wherever they explain
    the data best: the bound would exceed the evidence. Of other distributions than
    ``Normal`` and the relaxed ones the parameters stay.

    Args:
        mask: over the batch of ``like``; True for none.
        like: the distribution that the model has.
        loc: the mean of the guide.
        scale: its standard deviation.
    """
    if mask is True or not isinstance(like, GaussianPushforward | Normal):
        return loc, scale
    # A copy, since a program may change its mask in place before the backward pass.
    mask = _with_dims(mask, cast(Any, like).event_dim).to(loc.device, copy=True)
    return torch.where(mask, loc, like.loc), torch.where(mask, scale, like.scale)


def _with_dims(mask: Mask, number: int) -> Tensor:
    mask = as_tensor(mask)
    return mask.reshape(mask.shape + (1,) * number)
