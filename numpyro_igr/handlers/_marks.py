"""What is known of a tensor that was made of relaxed values: its marks."""

from typing import Any

import jax.numpy as jnp

OWN, SMOOTH, FLAT = "own", "smooth", "flat"
COMPARED, ORDERED, INTEGER, ROUNDED = "compared", "ordered", "integer", "rounded"
Marks = frozenset[tuple[str, str]]
NONE: Marks = frozenset()

ORDERS = {"ge", "gt", "le", "lt"}
HEAVISIDE = "heaviside"
ROUNDINGS = {"ceil", "floor", HEAVISIDE, "round", "sign"}
REMAINDERS = {"rem"}
SHAPES = {
    "broadcast_in_dim",
    "concatenate",
    "convert_element_type",
    "copy",
    "copy_p",
    "dynamic_slice",
    "expand_dims",
    "gather",
    "optimization_barrier",
    "pad",
    "reduce_precision",
    "reshape",
    "rev",
    "select_n",
    "slice",
    "split",
    "squeeze",
    "transpose",
}


def made(name: str, dtype: Any, marks: Marks) -> Marks:
    """The marks of what an operation makes of marked values.

    A value has its own mark, which shapes and indices into it keep. What a
    differentiable function makes of it is smooth. What compares it, rounds it or makes
    an integer of it bears a mark that says so; made of what is smooth, it is flat,
    except for a remainder, which has its gradient.

    Args:
        name: of the operation.
        dtype: of the result.
        marks: of the values.
    """
    if not jnp.issubdtype(dtype, jnp.inexact):
        kind = COMPARED if jnp.issubdtype(dtype, jnp.bool_) else INTEGER
        return changed(marks, own=ORDERED if name in ORDERS else kind, smooth=FLAT)
    if name in ROUNDINGS:
        return changed(marks, own=ROUNDED, smooth=FLAT)
    if name in REMAINDERS:
        return changed(marks, own=ROUNDED)
    return marks if name in SHAPES else changed(marks, own=SMOOTH)


def changed(marks: Marks, **to: str) -> Marks:
    """The marks, some kinds of them changed to others.

    Args:
        marks: of a value.
        to: the new kind by the old one.
    """
    return frozenset((site, to.get(mark, mark)) for site, mark in marks)


def chosen(predicate: Marks, cases: Marks) -> Marks:
    """The marks of a choice; that of leaky_relu is smooth in what it compares.

    Args:
        predicate: the marks of what it depends on.
        cases: of what it chooses from.
    """
    moving = {site for site, mark in cases if mark in (OWN, SMOOTH)}
    kept = (m for m in predicate if m[1] != ORDERED or m[0] not in moving)
    return cases.union(kept)
