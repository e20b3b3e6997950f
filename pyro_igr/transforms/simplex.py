"""What every map from R^(K-1) onto the simplex shares."""

import copy
import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints

from pyro_igr._numerics.checks import check_positive, refuse_complex
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr._typed import Transform

# So few entries are quicker normalised by operations that run along the batch.
FEW = 32


class SimplexTransform(Transform):
    r"""Base of the invertible maps :math:`g(\cdot, \tau)` onto the simplex.

    A new map is three methods, all in log space so that nothing underflows:
    ``to_log(y)`` returns :math:`\log g(y)`, ``from_log(log_z)`` inverts it, and
    ``log_det(y, log_z)`` gives :math:`\log |\det \partial z_{1..K-1} / \partial y|`.
    ``from_log`` returns a non-finite entry where ``log_z`` is outside the image;
    a map whose image is not the simplex also overrides ``codomain``.

    Shape:
        input ``batch + (K-1,)``, output ``batch + (K,)``, log-det ``batch``; parameters
        broadcast with ``batch``.
    """

    domain: constraints.Constraint = constraints.real_vector
    codomain: constraints.Constraint = constraints.simplex
    bijective = True

    max_temperature: float = math.inf
    temperature: Tensor | float

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        owner = next(base for base in cls.__mro__ if "to_log" in vars(base))
        if "to_logits" not in vars(owner) and "to_logits" not in vars(cls):
            cls.to_logits = SimplexTransform.to_logits  # not those of another map

    def __init__(
        self, *, validate_args: bool | None, **parameters: Tensor | float
    ) -> None:
        super().__init__()
        vars(self).update(parameters)
        check_positive(
            validate_args=validate_args,
            at_most=self.max_temperature,
            temperature=self.temperature,
        )
        check_positive(validate_args=validate_args, delta=getattr(self, "delta", 1.0))

    def to_log(self, y: Tensor) -> Tensor:
        """The logarithm of the forward map."""
        raise NotImplementedError

    def to_logits(self, y: Tensor) -> Tensor:
        """Log g(y) up to a constant, where that is cheaper than ``to_log``."""
        return self.to_log(y)

    def from_log(self, log_z: Tensor) -> Tensor:
        """The inverse map, from the logarithm of a point of the simplex."""
        raise NotImplementedError

    def log_det(self, y: Tensor, log_z: Tensor) -> Tensor:
        """Log absolute determinant of the forward map at ``y``, in nats."""
        raise NotImplementedError

    def _call(self, x: Tensor) -> Tensor:
        return _softmax(self.to_logits(to_real(x)))

    # Where an entry has underflowed, the row is replaced by one inside: a nan that a
    # gradient passes on its way would stay one under any mask.
    def _inverse(self, y: Tensor) -> Tensor:
        y = to_real(y)
        full = y.to(torch.promote_types(y.dtype, torch.float32))
        inside = (full >= torch.finfo(full.dtype).tiny).all(-1, keepdim=True)
        log_z = torch.where(inside, y, 1 / y.shape[-1]).log()
        return torch.where(inside, self.from_log(log_z), torch.nan)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = to_real(x)
        return self.log_det(x, self.to_log(x))

    def forward_shape(self, shape: torch.Size) -> torch.Size:
        return self._shape(shape, +1)

    def inverse_shape(self, shape: torch.Size) -> torch.Size:
        return self._shape(shape, -1)

    def _shape(self, shape: torch.Size, step: int) -> torch.Size:
        parameters = [v for v in vars(self).values() if isinstance(v, Tensor)]
        batch = broadcast_shapes(shape[:-1], *(p.shape for p in parameters))
        return torch.Size((*batch, shape[-1] + step))

    def with_cache(self, cache_size: int = 1) -> "SimplexTransform":
        new = copy.copy(self)
        Transform.__init__(new, cache_size)
        return new


def _softmax(logits: Tensor) -> Tensor:
    is_long = logits.shape[-1] > FEW or logits.element_size() < 4  # noqa: PLR2004
    if is_long or not logits.is_cpu:
        return logits.softmax(-1)
    weights = (logits - logits.detach().amax(-1, keepdim=True)).exp()
    return weights / weights.sum(-1, keepdim=True)


def column(parameter: Tensor | float, like: Tensor) -> Tensor:
    """A batch of parameters as a column that broadcasts against ``like``.

    Shape:
        ``batch`` to ``batch + (1,)``, in the dtype and device of ``like``.
    """
    if isinstance(parameter, Tensor):
        return parameter.to(like).unsqueeze(-1)
    return like.new_tensor(parameter).unsqueeze(-1)


def to_real(x: Tensor) -> Tensor:
    """A point as floats: integers mean the same reals.

    Raises:
        TypeError: if it is complex.
    """
    refuse_complex(value=x)
    return x if x.is_floating_point() else x.to(torch.get_default_dtype())
