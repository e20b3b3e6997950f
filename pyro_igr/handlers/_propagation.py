"""How the marks of relaxed values follow them through a program."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from pyro_igr._host import unwrapped
from pyro_igr._typed import Distribution, Transform
from pyro_igr.handlers._marks import (
    ASSERTED,
    FLAT,
    INTEGER,
    NONE,
    ROUNDED,
    SMOOTH,
    TAKEN,
    Marks,
    changed,
    marks_of_choice,
    marks_of_result,
)

# What these return is not followed: no gradient is meant, or it is a test for NaN.
UNSEEN = {"data", "detach", "isfinite", "isinf", "isnan", "isneginf", "isposinf"}
# A test for the truth of one of the first, by one of the second, is an assertion.
ASSERTIONS, TRUTHS = {"all", "any"}, {"__bool__", "item"}
# These depend in steps on all but their first argument, which has one of the names
# below: the sizes that ``split`` takes may be a tensor, of which it makes integers.
STEPS = {"copysign": ROUNDED, "split": INTEGER}
FIRST = {"input", "tensor"}
CHOICES = {"masked_fill", "where"}
MASKING = {"bool", "expand"}  # by which a distribution makes a mask of a value
TO_PYTHON = {"__array__", "__bool__", "__float__", "__index__", "__int__"}
TO_PYTHON |= {"item", "numpy", "tolist"}
LIBRARY = "torch.distributions.", "pyro.distributions.", "pyro.poutine.", "pyro_igr."
BRANCHING = "pyro.distributions.zero_inflated"  # tests for 0, as programs do


def follow(
    run: Callable, values: Mapping[str, Tensor], start: Mapping[str, str]
) -> Marks:
    """The marks, by the names of values, that reach what a function of them returns.

    Args:
        run: a function of the values, which returns a list.
        values: what it is a function of, by name.
        start: the marks of the values at the start.
    """
    mode = _Following()
    copies = {name: value.detach().clone() for name, value in values.items()}
    for name, value in copies.items():
        mode.mark(value, frozenset({(name, start[name])}))
    with mode:
        outputs = run(copies)
    return mode.in_python | mode.read(outputs)


class _Following(TorchFunctionMode):
    """Marks what functions of PyTorch return; ``in_python`` are misuses beyond them."""

    def __init__(self) -> None:
        super().__init__()
        self.in_python = NONE
        self._found: dict[int, tuple[Tensor, Marks]] = {}  # and keeps them alive

    def read(self, x: Any) -> Marks:
        return NONE.union(*map(self._of, _tensors(x)))

    def mark(self, tensor: Tensor, marks: Marks) -> None:
        tensor = unwrapped(tensor)
        self._found[id(tensor)] = tensor, marks

    # What vmap returns may be a view that it has made of what its function does.
    def _of(self, tensor: Tensor) -> Marks:
        tensor = unwrapped(tensor)
        found = self._found.get(id(tensor)) or self._found.get(id(tensor._base))
        return found[1] if found else NONE

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        marks = self.read((args, kwargs))
        if marks:
            self._spread(_name(func), args, kwargs or {}, marks, result)
        return result

    def _spread(
        self, name: str, args: tuple, kwargs: dict, marks: Marks, result: Any
    ) -> None:
        in_library = _is_in_library()
        if name in TO_PYTHON:
            self.in_python |= NONE if in_library else _taken_out(name, marks)
            return
        name = "round" if kwargs.get("rounding_mode") else name.strip("_")
        if name in STEPS:
            marks = self._in_steps(STEPS[name], args, kwargs)
        elif name in CHOICES:
            predicate = [x for x in args if getattr(x, "dtype", None) == torch.bool]
            cases = [x for x in args if not any(x is p for p in predicate)]
            decisive, others = self.read(predicate), self.read((cases, kwargs))
            marks = marks_of_choice(decisive, others)
        if in_library and name not in MASKING:
            marks = changed(marks, own=SMOOTH)
        for tensor in _tensors(args[0] if name == "setitem" else result):
            found = NONE
            if name not in UNSEEN:
                found = marks_of_result(name, tensor.dtype, marks)
            if name in ASSERTIONS:
                found |= {(site, ASSERTED) for site, _ in found}
            same = self.read(tensor) if in_library else NONE  # returned as it came
            self.mark(tensor, found | same)

    def _in_steps(self, kind: str, args: tuple, kwargs: dict) -> Marks:
        first = args[:1], [kwargs[name] for name in FIRST & kwargs.keys()]
        others = args[1:], [kwargs[name] for name in kwargs.keys() - FIRST]
        return self.read(first) | changed(self.read(others), own=kind, smooth=FLAT)


def _taken_out(name: str, marks: Marks) -> Marks:
    """The marks of a value that Python gets; a float of it may be for a report only."""
    if name in TRUTHS:
        asserted = {site for site, mark in marks if mark == ASSERTED}
        marks = frozenset(m for m in marks if m[0] not in asserted)
    return changed(marks, own=TAKEN if name == "__float__" else INTEGER, smooth=TAKEN)


def _name(func: Callable) -> str:
    name = getattr(func, "__name__", "")
    return getattr(func.__self__, "__name__", "") if name == "__get__" else name


def _is_in_library() -> bool:
    """Whether a distribution or a handler calls, and not the program itself."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if f"{module}.".startswith(LIBRARY) and module != __name__:
            return module != BRANCHING
        if module != __name__ and module.split(".")[0] != "torch":
            return False
        frame = frame.f_back
    return False


# A transform and its inverse know each other.
def _tensors(x: Any, seen: frozenset[int] = frozenset()) -> Iterator[Tensor]:
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, Distribution | Transform):
        if id(x) not in seen:
            yield from _tensors(vars(x), seen | {id(x)})
    elif isinstance(x, dict):
        yield from _tensors(list(x.values()), seen)
    elif isinstance(x, list | tuple):
        for item in x:
            yield from _tensors(item, seen)
