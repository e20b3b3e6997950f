"""What every map from R^(K-1) onto the simplex shares."""

import copy
import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.transforms import Transform


class SimplexTransform(Transform):
    r"""Base of the invertible maps :math:`g(\cdot, \tau)` onto the simplex.

    A new map is three methods, all in log space so that nothing underflows:
    ``to_log(y)`` returns :math:`\log g(y)`, ``from_log(log_z)`` inverts it, and
    ``log_det(y, log_z)`` gives :math:`\log |\det \partial z_{1..K-1} / \partial y|`.
    ``from_log`` returns a non-finite entry where ``log_z`` is outside the image;
    a map whose image is not the simplex also overrides ``codomain``.

    Shape: input ``batch + (K-1,)``, output ``batch + (K,)``, log-det ``batch``;
    parameters broadcast with ``batch``.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    max_temperature = math.inf

    def __init__(
        self, *, validate_args: bool | None, **parameters: Tensor | float
    ) -> None:
        super().__init__()
        vars(self).update(parameters)
        if Distribution._validate_args if validate_args is None else validate_args:
            _check_positive("temperature", self.temperature, self.max_temperature)
            _check_positive("delta", getattr(self, "delta", 1.0), math.inf)

    def to_log(self, y: Tensor) -> Tensor:
        """The logarithm of the forward map."""
        raise NotImplementedError

    def from_log(self, log_z: Tensor) -> Tensor:
        """The inverse map, from the logarithm of a point of the simplex."""
        raise NotImplementedError

    def log_det(self, y: Tensor, log_z: Tensor) -> Tensor:
        """Log absolute determinant of the forward map at ``y``, in nats."""
        raise NotImplementedError

    def _call(self, x: Tensor) -> Tensor:
        return self.to_log(x).softmax(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.from_log(y.log())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.log_det(x, self.to_log(x))

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        return self._shape(shape, +1)

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        return self._shape(shape, -1)

    def _shape(self, shape: torch.Size, step: int) -> torch.Size:
        parameters = [v for v in vars(self).values() if isinstance(v, Tensor)]
        batch = torch.broadcast_shapes(shape[:-1], *(p.shape for p in parameters))
        return torch.Size((*batch, shape[-1] + step))

    def with_cache(self, cache_size: int = 1) -> "SimplexTransform":
        new = copy.copy(self)
        Transform.__init__(new, cache_size)
        return new


def column(parameter: Tensor | float, like: Tensor) -> Tensor:
    """A batch of parameters as a column that broadcasts against ``like``.

    Shape: ``batch`` to ``batch + (1,)``, in the dtype and device of ``like``.
    """
    if isinstance(parameter, Tensor):
        return parameter.to(like).unsqueeze(-1)
    return like.new_tensor(parameter).unsqueeze(-1)


def _check_positive(name: str, value: Tensor | float, at_most: float) -> None:
    value = torch.as_tensor(value)
    if not torch._is_all_true((value > 0) & (value <= at_most)):
        bound = f" and at most {at_most}" if at_most < math.inf else ""
        raise ValueError(f"expected {name} to be positive{bound}, got {value}")
