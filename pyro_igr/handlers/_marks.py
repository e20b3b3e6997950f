"""What is known of a tensor that was made of relaxed values: its marks."""

import torch

OWN, SMOOTH, FLAT = "own", "smooth", "flat"
COMPARED, ORDERED, INTEGER, ROUNDED = "compared", "ordered", "integer", "rounded"
TAKEN = "taken"  # as a number of Python
ASSERTED = "asserted"  # beside other marks, of what a test for truth is no misuse
Marks = frozenset[tuple[str, str]]
NONE: Marks = frozenset()

COUNTS = {"bernoulli", "binomial", "histc", "poisson"}  # as floats
ORDERS = {"ge", "greater", "greater_equal", "gt", "le", "less", "less_equal", "lt"}
EQUALITIES = {"eq", "ne", "not_equal"}
ROUNDINGS = {"arange", "ceil", "fix", "floor", "floor_divide", "floordiv", "heaviside"}
ROUNDINGS |= {"rfloordiv", "round", "sgn", "sign", "special_round", "trunc"}
REMAINDERS = {"fmod", "frac", "mod", "remainder", "rmod"}
SHAPES = {
    "H",
    "T",
    "adjoint",
    "broadcast_tensors",
    "broadcast_to",
    "cat",
    "chunk",
    "clone",
    "concat",
    "contiguous",
    "double",
    "expand",
    "expand_as",
    "flatten",
    "flip",
    "float",
    "gather",
    "getitem",
    "index_select",
    "mH",
    "mT",
    "masked_fill",
    "moveaxis",
    "movedim",
    "narrow",
    "permute",
    "ravel",
    "repeat",
    "requires_grad",
    "reshape",
    "roll",
    "select",
    "setitem",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "t",
    "take_along_dim",
    "tile",
    "to",
    "transpose",
    "type",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
    "where",
}


def made(name: str, dtype: torch.dtype, marks: Marks) -> Marks:
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
    is_inexact = dtype.is_floating_point or dtype.is_complex
    if name in COUNTS | ORDERS | EQUALITIES or not is_inexact:  # gt_ returns floats
        is_test = name in EQUALITIES or dtype == torch.bool
        kind = COMPARED if is_test else INTEGER
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
