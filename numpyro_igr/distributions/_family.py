"""What a family knows about itself, so that nothing else has a list of families."""

from collections.abc import Callable, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any, ClassVar, Self, cast

from jax import Array
from jax.typing import ArrayLike

from numpyro_igr._typed import Transform
from numpyro_igr.distributions._parameters import args_to_check, is_shared


class Family:
    """The options of a member, its coordinates, and what its values are."""

    options: ClassVar[tuple[str, ...]] = ()
    value_is_log: ClassVar[bool] = False
    value_is_hard: ClassVar[bool] = False
    has_discrete_gradient: ClassVar[bool] = True
    unit_map: Transform | None = None
    unit_shift: Array | None = None
    noise_type: type | None = None
    _given: Mapping[str, Any] = MappingProxyType({})  # none after a pytree boundary

    def like(self, temperature: ArrayLike, loc: ArrayLike, scale: ArrayLike) -> Self:
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

    def get_args(self) -> dict[str, Any]:
        return args_to_check(self)

    def options_in_use(self) -> dict[str, Any]:
        """The options by their names, in the batch in which they were given."""
        return {name: getattr(self, name) for name in self.options}

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
                (self._given.get(name), other._given.get(name)),
                (getattr(self, name), getattr(other, name)),
            )
            for name in names
        )
