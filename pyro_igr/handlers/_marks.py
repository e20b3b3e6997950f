"""Marks of a tensor: how it was made of the values of which relaxed sites."""

import torch

# A mark is the name of a relaxed site and one of these: for its value itself, for what
# has a gradient in it, and for what depends in steps on something that has one.
OWN, SMOOTH, FLAT = "own", "smooth", "flat"
# What is made of the value itself in steps, by the kind of operation.
COMPARED, ORDERED, INTEGER, ROUNDED = "compared", "ordered", "integer", "rounded"
TAKEN = "taken"  # out of PyTorch, as a number of Python
ASSERTED = "asserted"  # beside other marks: a test for its truth is no misuse
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


def marks_of_result(name: str, dtype: torch.dtype, marks: Marks) -> Marks:
    """The marks of the result of an operation on marked values.

    A change of shape and an index into a value keep its marks. A differentiable
    function of it is smooth. What compares the value itself, rounds it or makes an
    integer of it has a mark that says so. The same of what is smooth is flat, except
    for a remainder, which has the gradient of what it is taken of.

    Args:
        name: of the operation.
        dtype: of the result.
        marks: of the values that it was applied to, all together.
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


def marks_of_choice(predicate: Marks, cases: Marks) -> Marks:
    """The marks of what is chosen among cases, as by ``where``.

    A threshold at which cases change that have a gradient themselves is no misuse, as
    in leaky_relu.

    Args:
        predicate: the marks of what decides.
        cases: the marks of what it decides between.
    """
    smooth = {site for site, mark in cases if mark in (OWN, SMOOTH)}
    kept = (m for m in predicate if m[1] != ORDERED or m[0] not in smooth)
    return cases.union(kept)
