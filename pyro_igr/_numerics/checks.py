"""Checks of the arguments of plain functions: an error names the one it refuses.

They follow the host's validation switch, as those of distributions do.
"""

import math
import operator
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from pyro_igr._host import is_all_true, validates_by_default

BEYOND = "expected {} to be a number that a float can hold, got a larger integer"


# Ranges are checked under the host's switch; a dtype costs nothing to look at.
def refuse_complex(**arguments: Tensor | float) -> None:
    """Raises if an argument is complex, or not made of numbers.

    Args:
        arguments: arrays or plain numbers by name.

    Raises:
        TypeError: naming the argument.
        ValueError: if it is an integer that is no float.
    """
    for name, value in arguments.items():
        if _to_tensor(name, value).is_complex():
            raise TypeError(f"expected {name} to be real, got {value}")


def check_size(least: int = 1, /, **arguments: int) -> None:
    """Raises unless the arguments are integers, and large enough.

    Args:
        least: the least that they may be.
        arguments: integers by name.

    Raises:
        TypeError: if one is no integer.
        ValueError: if one is less than the least, or the size of no array.
    """
    words = "positive" if least == 1 else f"at least {least}"
    for name, value in arguments.items():
        try:
            size = operator.index(value)
        except TypeError as error:
            raise TypeError(f"expected {name} to be an integer, got {value}") from error
        if size < least:
            raise ValueError(f"expected {name} to be {words}, got {value}")
        if size > sys.maxsize:
            raise ValueError(f"expected {name} to be at most {sys.maxsize}, got more")


def check_real(
    *, validate_args: bool | None = None, **arguments: Tensor | float
) -> None:
    """Raises unless the arguments are real numbers: NaN and infinity are none.

    Args:
        validate_args: whether to check ranges; the host's default if None.
        arguments: arrays or plain numbers by name.

    Raises:
        TypeError: if one is complex.
        ValueError: if one is NaN or infinite.
    """
    _check("real", torch.isfinite, arguments, validate_args=validate_args)


def check_positive(
    *,
    validate_args: bool | None = None,
    at_most: float = math.inf,
    **arguments: Tensor | float,
) -> None:
    """Raises unless the arguments are positive, and no larger than a bound.

    Args:
        validate_args: whether to check ranges; the host's default if None.
        at_most: the bound.
        arguments: arrays or plain numbers by name.

    Raises:
        TypeError: if one is complex.
        ValueError: if one is not in this range, or NaN.
    """
    bound = f" and at most {at_most}" if at_most < math.inf else ""
    _check(
        f"positive{bound}",
        lambda x: (x > 0) & (x <= at_most),
        arguments,
        validate_args=validate_args,
    )


def check_probabilities(
    *,
    validate_args: bool | None = None,
    slack: float = 0.0,
    **arguments: Tensor | float,
) -> None:
    """Raises unless the arguments are in [0, 1].

    Args:
        validate_args: whether to check ranges; the host's default if None.
        slack: by how much rounding may exceed 1.
        arguments: arrays or plain numbers by name.

    Raises:
        TypeError: if one is complex.
        ValueError: if one is not in this range, or NaN.
    """
    _check(
        "in [0, 1]",
        lambda x: (x >= 0) & (x <= 1 + slack),
        arguments,
        validate_args=validate_args,
    )


def check_rounding(
    dtype: torch.dtype,
    *,
    validate_args: bool | None = None,
    **arguments: Tensor | float,
) -> None:
    """Raises if an argument that is less than 1 is 1 in the dtype that it gets.

    A plain number is looked at whatever the switch, since that costs nothing.

    Args:
        dtype: that in which the arguments are used.
        validate_args: whether to check arrays; the host's default if None.
        arguments: arrays or plain numbers by name.

    Raises:
        TypeError: if one is complex.
        ValueError: if one rounds to 1.
    """
    eps = torch.finfo(dtype).eps
    tie = 1 - eps / 4  # between 1 and the number before it; rounds to 1
    words = f"1 itself or at most {1 - eps / 2:.9g}, beyond which {dtype} has only 1"
    for name, value in arguments.items():
        if isinstance(value, float):
            if tie <= value < 1:
                raise ValueError(f"expected {name} to be {words}, got {value}")
        elif getattr(value, "dtype", None) != dtype:
            _check(
                words,
                lambda x: (x < tie) | (x >= 1),
                {name: value},
                validate_args=validate_args,
            )


def _to_tensor(name: str, value: Tensor | float) -> Tensor:
    if isinstance(value, Tensor):
        return value
    try:  # in torch an integer has 64 bits, and a float more range
        value = float(value) if isinstance(value, int) else value
        return torch.as_tensor(value, device="cpu")
    except OverflowError as error:
        raise ValueError(BEYOND.format(name)) from error
    except (RuntimeError, TypeError, ValueError) as error:
        message = f"expected {name} to be made of numbers, got {value!r}"
        raise TypeError(message) from error


def _check(
    words: str, is_valid: Callable, arguments: dict, *, validate_args: bool | None
) -> None:
    refuse_complex(**arguments)
    is_on = validates_by_default() if validate_args is None else validate_args
    for name, value in arguments.items() if is_on else ():
        if not is_all_true(is_valid(_to_tensor(name, value))):
            raise ValueError(f"expected {name} to be {words}, got {value}")
