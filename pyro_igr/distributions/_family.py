"""What a family knows about itself, so that nothing else has a list of families."""

from typing import Any, ClassVar, Self

from torch import Tensor
from torch.distributions.transforms import Transform

from pyro_igr.distributions._parameters import is_shared


class Family:
    """The options of a member, its coordinates, and what its values are."""

    options: ClassVar[tuple[str, ...]] = ()
    value_is_log: ClassVar[bool] = False
    value_is_hard: ClassVar[bool] = False
    has_discrete_gradient: ClassVar[bool] = True
    _given: dict[str, Any]
    _unexpanded: Self | None = None

    @property
    def unit_map(self) -> Transform | None:
        return None

    @property
    def unit_shift(self) -> Tensor | None:
        return None

    @property
    def noise_type(self) -> type | None:
        return None

    def like(
        self, temperature: Tensor | float, loc: Tensor, scale: Tensor | float
    ) -> Self:
        """A member of the same family with the same options.

        Args:
            temperature: as in the constructor.
            loc: as in the constructor.
            scale: as in the constructor.
        """
        return type(self)(temperature, loc, scale, **self.options_in_use())

    def options_in_use(self) -> dict[str, Any]:
        """The options by their names, in the batch in which they were given."""
        if self._unexpanded is not None:
            return self._unexpanded.options_in_use()
        return {name: getattr(self, name) for name in self.options}

    def shares(self, other: "Family", *names: str) -> bool:
        """Whether two members share arguments: one object, or concrete and equal.

        Args:
            other: a member of the same family.
            names: of the arguments.
        """
        return all(
            is_shared(
                (self._given[name], other._given[name]),
                (getattr(self, name), getattr(other, name)),
            )
            for name in names
        )
