"""What NumPyro and those below it do not document, imported here and nowhere else."""

# All of it was seen in NumPyro 0.20 to 0.22 and jax 0.7 to 0.12.

from collections.abc import Callable
from itertools import compress
from typing import TYPE_CHECKING, Any

import jax
from jax import Array
from jax.extend.core import Literal
from jax.interpreters.partial_eval import dce_jaxpr
from jax.typing import ArrayLike
from numpyro.distributions import Distribution
from numpyro.distributions.util import (
    array_equiv,
    periodic_repeat,
    scale_and_mask,
    sum_rightmost,
    validate_sample,
)
from numpyro.handlers import condition, do
from numpyro.infer.util import get_importance_trace, helpful_support_errors
from numpyro.primitives import _PYRO_STACK, Messenger
from numpyro.util import check_model_guide_match, not_jax_tracer

# The frames of the one are a list, as far as a type checker is told, and the arrays of
# the other may be tuples.
if TYPE_CHECKING:

    class MultiFrameTensor(dict[Any, Array]):
        def __init__(self, *items: tuple[Any, Array]) -> None: ...
        def add(self, *items: tuple[Any, Array]) -> None: ...
        def sum_to(self, target_frames: Any) -> Array: ...

    def promote_shapes(*args: ArrayLike, shape: tuple[int, ...]) -> list[Array]: ...

else:
    from numpyro.distributions.util import promote_shapes
    from numpyro.infer.elbo import MultiFrameTensor

__all__ = [
    "Literal",
    "Messenger",
    "MultiFrameTensor",
    "array_equiv",
    "check_model_guide_match",
    "eval_provenance",
    "get_importance_trace",
    "helpful_support_errors",
    "is_cond",
    "is_given",
    "is_validated",
    "mask_of",
    "not_jax_tracer",
    "parts_of_scan",
    "periodic_repeat",
    "promote_shapes",
    "scale_and_mask",
    "sum_rightmost",
    "validate_sample",
    "validates_by_default",
]


def mask_of(distribution: Distribution) -> Array | bool:
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


def is_given(name: str) -> bool:
    """Whether a handler around is to condition a site, or to intervene on it.

    Args:
        name: of the site, which may have become a deterministic one.
    """
    around = (h for h in _PYRO_STACK if isinstance(h, condition | do))
    return any((handler.data or {}).get(name) is not None for handler in around)


def is_cond(message: dict[str, Any]) -> bool:
    """Whether a message of the host is that of its ``cond``, branches and all.

    Args:
        message: as handlers get it.
    """
    is_control_flow = message["type"] == "control_flow"
    return is_control_flow and message["fn"].__name__ == "cond_wrapper"


def eval_provenance(function: Callable, /, **values: Any) -> Any:
    """The names of the values on which each output depends, without computing any.

    That of the host joins all outputs of a scan. This tells them apart, as jax does to
    drop what no output needs.

    Args:
        function: of the values by name.
        values: trees of arrays.
    """
    jaxpr, shapes = jax.make_jaxpr(function, return_shape=True)(**values)
    each = {name: jax.tree.map(lambda _, n=name: n, x) for name, x in values.items()}
    outputs, names = jax.tree.structure(shapes), jax.tree.leaves(each)
    found = []
    for i in range(outputs.num_leaves):
        is_output = [i == k for k in range(outputs.num_leaves)]
        _, is_used = dce_jaxpr(jaxpr.jaxpr, is_output)
        found.append(frozenset(compress(names, is_used)))
    return jax.tree.unflatten(outputs, found)


def parts_of_scan(params: dict[str, Any], inputs: list) -> tuple[list, list, list]:
    """The constants of a scan, its carry, and what it runs along.

    Args:
        params: of its equation, where JAX counts them, in 0.12 by trees.
        inputs: of the equation, or as many things of theirs.
    """
    if "ft_in" in params:
        consts, carry, rest = map(list, params["ft_in"].update(inputs).unpack())
        return consts, carry, rest
    first = params["num_consts"]
    last = first + params["num_carry"]
    return inputs[:first], inputs[first:last], inputs[last:]
