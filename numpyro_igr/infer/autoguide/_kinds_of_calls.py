"""Kinds of calls of a model: within one, masks and plates are taken to be alike."""

from collections.abc import Hashable
from numbers import Real
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from numpyro_igr.infer.autoguide._sizes import Frames

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
    """What tells calls with other masks or plates apart: types, shapes and flags.

    Arguments in dictionaries and in short lists and tuples count as well, except for
    strings in lists, which are names of data. Of integers the value counts, since it
    may be the size of a plate; of other numbers, whether it is 1, since a scale of 1 is
    none. Scalars of NumPy count as those of Python.

    Args:
        args: of the model.
        kwargs: of the model.
    """
    return *map(_kind_of_value, args), _kind_of_value(kwargs)


def _kind_of_value(x: Any) -> Hashable:
    x = x.item() if isinstance(x, np.generic) else x
    if isinstance(x, dict):
        return type(x), *((name, _kind_of_value(value)) for name, value in x.items())
    if isinstance(x, list | tuple):
        short = x if len(x) <= LONGEST else ()
        return type(x), *(
            str if isinstance(y, str) else _kind_of_value(y) for y in short
        )
    if isinstance(x, int | str):
        return x
    if isinstance(x, Real):
        return (), x == 1
    if isinstance(x, Array | np.ndarray):
        return jnp.shape(x), False
    return type(x)
