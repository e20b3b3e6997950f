"""What every map from R^(K-1) onto the simplex shares."""

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import softmax
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from numpyro_igr._host import array_equiv
from numpyro_igr._numerics.checks import check_positive, refuse_complex
from numpyro_igr._numerics.precision import at_least_single
from numpyro_igr._typed import Constraint, Transform


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

    domain: Constraint = constraints.real_vector
    codomain: Constraint = constraints.simplex
    parameter_names: ClassVar[tuple[str, ...]] = ("temperature",)
    max_temperature: float = math.inf
    temperature: ArrayLike

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        owner = next(base for base in cls.__mro__ if "to_log" in vars(base))
        if "to_logits" not in vars(owner) and "to_logits" not in vars(cls):
            cls.to_logits = SimplexTransform.to_logits  # not those of another map

    def __init__(self, *, validate_args: bool | None, **parameters: ArrayLike) -> None:
        vars(self).update(parameters)
        check_positive(
            validate_args=validate_args,
            at_most=self.max_temperature,
            temperature=self.temperature,
        )
        check_positive(validate_args=validate_args, delta=getattr(self, "delta", 1.0))

    def to_log(self, y: Array) -> Array:
        """The logarithm of the forward map."""
        raise NotImplementedError

    def to_logits(self, y: Array) -> Array:
        """Log g(y) up to a constant, where that is cheaper than ``to_log``."""
        return self.to_log(y)

    def from_log(self, log_z: Array) -> Array:
        """The inverse map, from the logarithm of a point of the simplex."""
        raise NotImplementedError

    def log_det(self, y: Array, log_z: Array) -> Array:
        """Log absolute determinant of the forward map at ``y``, in nats."""
        raise NotImplementedError

    def __call__(self, x: Array) -> Array:
        return _softmax(self.to_logits(to_real(x)))

    # Where an entry has underflowed, the row is replaced by one inside: a nan that a
    # gradient passes on its way would stay one under any mask.
    def _inverse(self, y: Array) -> Array:
        inside, log_z = _log_inside(to_real(y))
        return jnp.where(inside, self.from_log(log_z), jnp.nan)

    def log_abs_det_jacobian(
        self, x: Array, y: Array, intermediates: None = None
    ) -> Array:
        x = to_real(x)
        return self.log_det(x, self.to_log(x))

    def forward_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return self._shape(shape, +1)

    def inverse_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return self._shape(shape, -1)

    def _shape(self, shape: tuple[int, ...], step: int) -> tuple[int, ...]:
        parameters = [jnp.shape(getattr(self, name)) for name in self.parameter_names]
        return (*jnp.broadcast_shapes(shape[:-1], *parameters), shape[-1] + step)

    def tree_flatten(self) -> tuple[Any, ...]:
        leaves = tuple(getattr(self, name) for name in self.parameter_names)
        return leaves, (self.parameter_names, {})

    def eq(self, other: object, static: bool = False) -> ArrayLike:
        return type(self) is type(other) and math.prod(
            array_equiv(getattr(self, name), getattr(other, name), static=static)
            for name in self.parameter_names
        )


# Each is compiled as one program, also where it is called outside of jit.
_softmax = jax.jit(softmax)


@jax.jit
def _log_inside(y: Array) -> tuple[Array, Array]:
    full = y.astype(at_least_single(y))
    inside = (full >= jnp.finfo(full.dtype).tiny).all(-1, keepdims=True)
    return inside, jnp.log(jnp.where(inside, y, 1 / y.shape[-1]))


def column(parameter: ArrayLike) -> Array:
    """A batch of parameters as a column that broadcasts against event dimensions.

    Shape:
        ``batch`` to ``batch + (1,)``.
    """
    return jnp.expand_dims(parameter, -1)


def to_real(x: Array) -> Array:
    """A point as floats: integers mean the same reals.

    Raises:
        TypeError: if it is complex.
    """
    refuse_complex(value=x)
    return jnp.asarray(x, jnp.result_type(x, float))
