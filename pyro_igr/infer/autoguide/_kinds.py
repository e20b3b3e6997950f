"""What may tell calls of a model with other masks or plates apart."""

from collections.abc import Hashable
from numbers import Real
from typing import Any

import numpy as np

from pyro_igr.infer.autoguide._sizes import Frames

# The longest list whose entries count. A longer one is data, and each batch of it would
# make a kind of its own.
LONGEST = 20
# So many kinds are remembered: an argument that counts steps makes a new one at each.
MOST = 100


class KnownCalls(dict[Hashable, Frames]):
    """The plates, by name, in the last calls of each kind."""

    def __setitem__(self, kind: Hashable, frames: Frames) -> None:
        super().__setitem__(kind, frames)
        if len(self) > MOST:
            del self[next(iter(self))]


def kind_of(*args: Any, **kwargs: Any) -> Hashable:
    """What may tell calls of a model with other masks apart: types, shapes and flags.

    Those in dictionaries and in short lists and tuples count as well, but for strings
    in lists, which are names of data. Integers count, as they may be sizes of plates,
    and whether another number is 1, as a scale of 1 is none; scalars of NumPy are what
    they are in Python.

    Args:
        args: of the model.
        kwargs: of the model.
    """
    return *map(_kind_of, args), _kind_of(kwargs)


def _kind_of(x: Any) -> Hashable:
    x = x.item() if isinstance(x, np.generic) else x
    if isinstance(x, dict):
        return type(x), *((name, _kind_of(value)) for name, value in x.items())
    if isinstance(x, list | tuple):
        short = x if len(x) <= LONGEST else ()
        return type(x), *(str if isinstance(y, str) else _kind_of(y) for y in short)
    value = x if isinstance(x, int | str) else isinstance(x, Real) and x == 1
    return type(x), getattr(x, "shape", None), value
