"""The names of the parameters of RELAX, all in one place."""

from itertools import chain, count
from typing import NamedTuple

_used: set[str] = set()


class Names(NamedTuple):
    """Names of the parameters of one control variate.

    Args:
        prefix: what all begin with.
    """

    prefix: str

    @property
    def scale(self) -> str:
        """Of the factor of the relaxed bound."""
        return f"{self.prefix}_scale"

    @property
    def temperature(self) -> str:
        """Of the temperature that the bound is relaxed at."""
        return f"{self.prefix}_temperature"

    def hidden(self, site: str) -> str:
        """Of the hidden layer of the network of a site."""
        return f"{self.prefix}_hidden_{site}"

    def output(self, site: str) -> str:
        """Of the output layer of the network of a site."""
        return f"{self.prefix}_output_{site}"


def names_of(name: str | None) -> Names:
    """The names of an engine: with the prefix given, or with one of its own.

    Args:
        name: the prefix, or None for one that no engine of this process has yet.

    Raises:
        ValueError: if it is neither.
    """
    if name is None:
        numbered = (f"relax_{number}" for number in count(2))
        name = next(x for x in chain(["relax"], numbered) if x not in _used)
    if not (isinstance(name, str) and name):
        raise ValueError(
            f"expected name to be a string that is not empty, got {name!r}"
        )
    _used.add(name)
    return Names(name)
