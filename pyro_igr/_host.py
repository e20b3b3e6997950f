"""What Pyro and those below it do not document, imported here and nowhere else."""

# All of it was seen in Pyro 1.9.0 to 1.9.2 and torch 2.2 to 2.13.

from typing import TYPE_CHECKING, Any

import torch
from pyro.distributions import OneHotCategorical
from pyro.distributions.util import scale_and_mask
from pyro.infer.autoguide.initialization import InitMessenger
from pyro.infer.autoguide.utils import deep_setattr, helpful_support_errors
from pyro.infer.enum import get_importance_trace
from pyro.ops.tensor_utils import periodic_repeat
from pyro.optim import PyroOptim
from pyro.poutine import Trace
from pyro.poutine.condition_messenger import ConditionMessenger
from pyro.poutine.runtime import _PYRO_STACK, Message
from pyro.poutine.util import prune_subsample_sites, site_is_subsample
from pyro.util import warn_if_nan
from torch import Tensor
from torch._C._functorch import (
    get_unwrapped,
    is_functorch_wrapped_tensor,
    peek_interpreter_stack,
)
from torch.distributions import Distribution

# These may return numbers, as far as a type checker infers.
if TYPE_CHECKING:

    class MultiFrameTensor(dict[Any, Tensor]):
        def __init__(self, *items: tuple[Any, Tensor]) -> None: ...
        def add(self, *items: tuple[Any, Tensor]) -> None: ...
        def sum_to(self, target_frames: Any) -> Tensor: ...

    def sum_rightmost(value: Tensor, dim: int) -> Tensor: ...
    def torch_item(x: Tensor) -> float: ...

else:
    from pyro.distributions.util import sum_rightmost
    from pyro.infer.util import MultiFrameTensor, torch_item

__all__ = [
    "InitMessenger",
    "Message",
    "MultiFrameTensor",
    "deep_setattr",
    "get_importance_trace",
    "helpful_support_errors",
    "is_all_true",
    "is_compiling",
    "is_given",
    "is_given_subsample",
    "is_tracing",
    "is_validated",
    "mask_of",
    "one_hot_of",
    "periodic_repeat",
    "prune_subsample_sites",
    "scale_and_mask",
    "site_is_subsample",
    "sum_rightmost",
    "torch_item",
    "transformation",
    "unwrapped",
    "validates_by_default",
    "waiting_states",
    "warn_if_nan",
]

# Unlike ``all``, it works under vmap.
is_all_true = torch._is_all_true  # pyright: ignore[reportPrivateImportUsage]
is_tracing = torch.jit.is_tracing  # pyright: ignore[reportPrivateImportUsage]
# Since torch 2.3.
is_compiling = getattr(torch.compiler, "is_compiling", is_tracing)
# The innermost transformation of ``torch.func`` that this runs in, or None.
transformation = peek_interpreter_stack


def is_given(name: str) -> bool:
    """Whether a handler around is to condition a site.

    Args:
        name: of the site, which may have become a deterministic one.
    """
    around = [h.data for h in _PYRO_STACK if isinstance(h, ConditionMessenger)]
    given = (x.nodes if isinstance(x, Trace) else x for x in around)
    return any(values.get(name) is not None for values in given)


def is_given_subsample(site: Message) -> bool:
    """Whether the site of a plate has a subsample that the plate did not draw.

    Args:
        site: of a trace.
    """
    drawn: Any = site["fn"]
    if not site_is_subsample(site) or drawn.subsample_size is not None:
        return False
    value: Any = site["value"]
    given = torch.as_tensor(value, device=getattr(value, "device", None))
    return not torch.equal(given, torch.arange(drawn.size, device=given.device))


def mask_of(distribution: Distribution) -> Tensor | bool:
    """The mask that a ``MaskedDistribution`` was given.

    Args:
        distribution: the wrapper.
    """
    return distribution._mask  # pyright: ignore[reportAttributeAccessIssue]


def is_validated(distribution: Distribution) -> bool:
    """Whether a distribution checks the values that it scores.

    Args:
        distribution: any of the host.
    """
    return distribution._validate_args


def validates_by_default() -> bool:
    """Whether distributions check their arguments unless told otherwise."""
    return Distribution._validate_args


def one_hot_of(logits: Tensor, *, validate_args: bool) -> OneHotCategorical:
    """The one-hot distribution of log-probabilities that are known to be some.

    The host refuses its own softmax if its sum is rounded by more than 1e-6: in half
    precision, or of very many categories.

    Args:
        logits: log-probabilities.
        validate_args: whether it checks the values that it scores.
    """
    # Of an empty batch the host can check probabilities, but not logits.
    given = {"logits": logits} if logits.numel() else {"probs": logits.exp()}
    distribution = OneHotCategorical(**given, validate_args=False)
    distribution._validate_args = validate_args
    return distribution


def unwrapped(tensor: Tensor) -> Tensor:
    """The tensor itself, of one that transformations of ``torch.func`` see a part of.

    Args:
        tensor: any.
    """
    while is_functorch_wrapped_tensor(tensor):
        tensor = get_unwrapped(tensor)
    return tensor


def waiting_states(optimizer: PyroOptim) -> dict[str, dict]:
    """The states that were loaded for parameters which have taken no step since."""
    return optimizer._state_waiting_to_be_consumed
