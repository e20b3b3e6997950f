"""Log probabilities of categories, some of which may be impossible."""

from typing import cast

import torch
from torch import Tensor
from torch.distributions import Categorical

from pyro_igr._host import is_validated
from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.shapes import broadcast_shapes, check_vectors
from pyro_igr._numerics.tensors import as_tensor
from pyro_igr._typed import Distribution
from pyro_igr.transforms.simplex import to_real


def is_possible(logits: Tensor) -> Tensor:
    """Whether each category of normalised log probabilities has any probability.

    That of NaN is unknown and so goes on, rather than being taken for none.
    """
    return ~(logits <= torch.finfo(logits.dtype).min)


def categorical_logits(
    probs: Tensor | None, logits: Tensor | None, dist: Distribution
) -> Tensor:
    """Normalised log probabilities from one of ``probs`` and ``logits``.

    The logarithm of a probability of 0 is the smallest finite number, so that 0 times
    it is 0, in the gradients as well.
    """
    if (probs is None) == (logits is None):
        raise ValueError("expected exactly one of probs and logits")
    given = {"probs": probs} if logits is None else {"logits": logits}
    refuse_complex(**cast(dict[str, Tensor], given))
    check_vectors(**cast(dict[str, Tensor], given))
    reals = {name: to_real(as_tensor(cast(Tensor, x))) for name, x in given.items()}
    categorical = Categorical(**reals, validate_args=is_validated(dist))
    if logits is not None:
        return categorical.logits.clamp(min=torch.finfo(categorical.logits.dtype).min)
    is_zero = categorical.probs <= 0
    log_probs = torch.where(is_zero, 1.0, categorical.probs).log()
    return torch.where(is_zero, torch.finfo(log_probs.dtype).min, log_probs)


def with_temperature(
    temperature: Tensor | float, logits: Tensor
) -> tuple[Tensor, Tensor]:
    """A temperature and logits, in one batch."""
    refuse_complex(temperature=temperature)
    temperature = torch.as_tensor(temperature, dtype=logits.dtype, device=logits.device)
    try:
        batch = broadcast_shapes(temperature.shape, logits.shape[:-1])
    except RuntimeError as error:
        raise ValueError(
            "expected the shape of temperature to broadcast with the batch of "
            f"categories, got {(*temperature.shape,)} and {(*logits.shape[:-1],)}"
        ) from error
    return temperature.expand(batch), logits.expand(batch + logits.shape[-1:])
