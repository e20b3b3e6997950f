"""Classes of the host, as a type checker is to see them."""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from jax import Array
    from numpyro import distributions
    from numpyro.distributions import constraints, transforms
    from numpyro.distributions.distribution import DistributionMeta

    T = TypeVar("T")
    Constraint = constraints.Constraint[Any]
    Transform = transforms.Transform[Any]

    # NumPyro's marks what it is not told by NotImplemented, which becomes the type.
    def dependent_property(*, is_discrete: bool, event_dim: int) -> type[property]: ...

    # That of NumPyro says of whatever it constructs that it is Any.
    class Meta(DistributionMeta):
        def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T: ...

    class Distribution(distributions.Distribution, metaclass=Meta): ...

    # A type checker infers theirs from plumbing that has none.
    class Beta(distributions.Beta, metaclass=Meta):
        concentration1: Array
        concentration0: Array

    class Kumaraswamy(distributions.Kumaraswamy, metaclass=Meta):
        concentration1: Array
        concentration0: Array

    class Normal(distributions.Normal, metaclass=Meta):
        loc: Array
        scale: Array

    class TransformedDistribution(
        distributions.TransformedDistribution, metaclass=Meta
    ): ...

else:
    from numpyro.distributions import (
        Beta,
        Distribution,
        Kumaraswamy,
        Normal,
        TransformedDistribution,
    )
    from numpyro.distributions.constraints import Constraint, dependent_property
    from numpyro.distributions.transforms import Transform

__all__ = [
    "Beta",
    "Constraint",
    "Distribution",
    "Kumaraswamy",
    "Normal",
    "Transform",
    "TransformedDistribution",
    "dependent_property",
]
