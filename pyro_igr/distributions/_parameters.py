"""The parameters of a distribution: their values, and whether two share them."""

from operator import is_
from typing import cast

import torch
from torch import Size, Tensor

from pyro_igr._host import is_all_true, is_tracing
from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.tensors import as_tensor


def to_arrays(parameters: dict[str, Tensor | float]) -> dict[str, Tensor]:
    """Parameters as arrays; plain numbers take the dtype of ``loc`` and ``scale``.

    Args:
        parameters: arrays or plain numbers by name, ``loc`` and ``scale`` included.

    Raises:
        TypeError: if one is complex.
    """
    refuse_complex(**parameters)
    loc = as_tensor(parameters["loc"])
    scale = as_tensor(parameters["scale"])
    dtype = torch.promote_types(loc.dtype, scale.dtype) if scale.dim() else loc.dtype
    if not dtype.is_floating_point:
        dtype = torch.get_default_dtype()
    return {
        name: torch.as_tensor(value, dtype=dtype, device=loc.device)
        for name, value in parameters.items()
    }


def is_shared(given: tuple, held: tuple) -> bool:
    """Whether two distributions share a parameter: the object, or concrete values.

    One may have been given what the other holds, as of a prior that was an argument.
    A value that is trained is equal to none that is not, whatever it is now.

    Args:
        given: the parameter of each distribution as it was given.
        held: the parameter of each distribution as it is held.
    """
    if all(isinstance(x, tuple) for x in held):
        return len(held[0]) == len(held[1]) and all(map(is_, *held))
    own, other = zip(given, held, strict=True)
    if any(x is y for x in own for y in other):
        return True
    if is_tracing() and any(isinstance(x, Tensor) for x in given):
        return False
    # The host computes a constrained parameter anew at each call, of the same leaves.
    is_equal = cast(bool, is_all_true(as_tensor(held[0] == held[1])))
    return is_equal and _leaves(held[0]) == _leaves(held[1])


def check_value(value: Tensor, event_shape: Size) -> None:
    """Refuses a value of another length, of which broadcasting would make a density.

    Args:
        value: of a distribution, with any batch.
        event_shape: of the distribution, one size.

    Raises:
        TypeError: if it is complex.
        ValueError: unless the last dimension is of that size.
    """
    refuse_complex(value=value)
    shape = as_tensor(value).shape
    if shape[-1:] != event_shape:
        raise ValueError(
            f"expected value to have {event_shape[0]} entries in its last dimension, "
            f"got shape {tuple(shape)}"
        )


def _leaves(value: Tensor | float) -> set[int]:
    """Which tensors a value has derivatives in, by their identity."""
    if not isinstance(value, Tensor) or not value.requires_grad:
        return set()
    waiting, seen, found = [value.grad_fn], set(), set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            found.add(id(leaf))
        waiting += [x for x, _ in node.next_functions]
    return found or {id(value)}
