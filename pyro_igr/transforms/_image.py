"""The image of a map, as a support."""

from typing import Any

from torch import Tensor
from torch.distributions import biject_to, constraints, transform_to

from pyro_igr._typed import Transform


class image(constraints.Constraint):
    r"""The image :math:`g(\mathbb{R}^{K-1})` of a map that does not fill its space.

    ``transform`` answers ``contains(value)``, with a tolerance of the square root of
    the dtype's precision. ``biject_to`` returns the map itself, so that a sampler
    never leaves the support.

    Args:
        transform: the map, a :class:`~torch.distributions.Transform`.
    """

    is_discrete = False
    event_dim = 1

    def __init__(self, transform: Any) -> None:
        self.transform = transform
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        return self.transform.contains(value)

    def __repr__(self) -> str:
        return f"image({type(self.transform).__name__})"


@biject_to.register(image)
@transform_to.register(image)
def _map_onto_image(constraint: image) -> Transform:
    return constraint.transform
