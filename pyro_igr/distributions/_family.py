"""What a family knows about itself, so that nothing else has a list of families."""

from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar, Self, cast

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

        Raises:
            TypeError: if the constructor has an argument that ``options`` lacks.
        """
        if lost := self.unnamed():
            raise TypeError(
                f"expected options of {type(self).__name__} to name each argument "
                f"beside temperature, loc and scale: add {', '.join(lost)}, or "
                "override like"
            )
        make = cast(Callable[..., Self], type(self))
        return make(temperature, loc, scale, **self.options_in_use())

    def options_in_use(self) -> dict[str, Any]:
        """The options by their names, in the batch in which they were given."""
        return {n: self._given.get(n, getattr(self, n)) for n in self.options}

    @classmethod
    def unnamed(cls) -> list[str]:
        """The arguments of the constructor of which members are not known to differ."""
        known = {"self", "temperature", "loc", "scale", "validate_args", *cls.options}
        given = signature(cls.__init__).parameters.values()
        return [
            x.name
            for x in given
            if x.name not in known and x.kind not in (x.VAR_POSITIONAL, x.VAR_KEYWORD)
        ]

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
