"""Classes of the host, as a type checker is to see them."""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from numpyro import distributions
    from numpyro.distributions import constraints, transforms
    from numpyro.distributions.distribution import DistributionMeta

    T = TypeVar("T")
    Constraint = constraints.Constraint[Any]
    Transform = transforms.Transform[Any]

    # That of NumPyro says of whatever it constructs that it is Any.
    class Meta(DistributionMeta):
        def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T: ...

    class Distribution(distributions.Distribution, metaclass=Meta): ...

    class Kumaraswamy(distributions.Kumaraswamy, metaclass=Meta): ...

    class TransformedDistribution(
        distributions.TransformedDistribution, metaclass=Meta
    ): ...

else:
    from numpyro.distributions import (
        Distribution,
        Kumaraswamy,
        TransformedDistribution,
    )
    from numpyro.distributions.constraints import Constraint
    from numpyro.distributions.transforms import Transform

__all__ = [
    "Constraint",
    "Distribution",
    "Kumaraswamy",
    "Transform",
    "TransformedDistribution",
]
