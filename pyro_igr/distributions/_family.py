"""What a family knows about itself, so that nothing else has a list of families."""

from collections.abc import Callable
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
    unit_map: Transform | None = None
    unit_shift: Tensor | None = None
    noise_type: type | None = None
    _given: dict[str, Any]
    _unexpanded: Self | None = None

    def like(
        self, temperature: Tensor | float, loc: Tensor, scale: Tensor | float
    ) -> Self:
        """A member of the same family with the same options.

        Args:
            temperature: as in the constructor.
            loc: as in the constructor.
            scale: as in the constructor.
        """
        make: Callable[..., Self] = type(self)
        return make(temperature, loc, scale, **self.options_in_use())

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
