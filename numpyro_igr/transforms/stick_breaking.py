"""Stick-breaking maps with a temperature, in four temperings (section 3.2)."""

from functools import partial
from typing import Any, Literal

import jax
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from numpyro_igr._typed import Constraint
from numpyro_igr.transforms._image import image
from numpyro_igr.transforms._tempering import (
    SoftmaxPlusPlus,
    Sticks,
    TemperedMap,
    Weights,
)
from numpyro_igr.transforms._vertex import Vertex
from numpyro_igr.transforms.simplex import SimplexTransform, column, to_real

Tempering = Literal["sticks", "weights", "softmax++", "vertex"]

TEMPERINGS: dict[str, TemperedMap] = {
    "sticks": Sticks(),
    "weights": Weights(),
    "softmax++": SoftmaxPlusPlus(),
    "vertex": Vertex(),
}


# Compiled as one program, also where it is called outside of jit.
@partial(jax.jit, static_argnames=("tempering", "method"))
def _by(tempering: Tempering, method: str, *arrays: Array) -> Array:
    return getattr(TEMPERINGS[tempering], method)(*arrays)


class StickBreakingTransform(SimplexTransform):
    r"""Breaks a unit stick at :math:`\sigma(y_k)`, tempered towards one-hot.

    With :math:`SB(u)_k = u_k \prod_{i<k} (1 - u_i)`, the remainder
    :math:`\prod_i (1 - u_i)` as category K, and :math:`w = SB(\sigma(y))`:

    .. math::
        \text{sticks:} \quad & z = SB(\sigma(y / \tau)) \\
        \text{weights:} \quad & z \propto w^{1 / \tau} \\
        \text{softmax++:} \quad & z = \text{softmax}([w_{1..K-1} / \tau, 0]) \\
        \text{vertex:} \quad & z = \tau w + (1 - \tau) e_{\arg\max w}

    As :math:`\tau \to 0`, "sticks" tends to the first category with positive
    :math:`y_k` and the others to the largest weight. "sticks" and "weights" map onto
    the open simplex. The image of "softmax++" is a strict subset in which category K
    is always the smallest, so that category is never chosen; the image of "vertex"
    is K cells at the vertices, between which the map jumps.

    Shape:
        input ``batch + (K-1,)``, output ``batch + (K,)``, log-det ``batch``.
    Units:
        The log-det is in nats; ``temperature`` has none.

    Args:
        temperature: :math:`\tau > 0` (at most 1 for "vertex"), of shape ``batch`` or
            a plain number; the smaller, the closer to one-hot.
        tempering: "sticks", "weights", "softmax++" or "vertex".
        validate_args: whether to check the parameters; the host's default if None.

    Raises:
        ValueError: if ``tempering`` is unknown or ``temperature`` out of range.

    Accuracy:
        Value, inverse and log-det to 1e-10 in float64; the inverse of "softmax++" to
        1e-12 over the weight of category K before it is tempered.
    Source:
        IGR (Potapczynski et al., 2020), eq. 16 with the remainder as category K;
        "softmax++" is eq. 18 and "vertex" eq. 17; "sticks" and "weights" are ours.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import StickBreakingTransform
        >>> g = StickBreakingTransform(0.5)
        >>> z = g(jnp.array([0.0, 0.0]))
        >>> [round(x, 4) for x in z.tolist()]
        [0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        temperature: ArrayLike,
        tempering: Tempering = "sticks",
        *,
        validate_args: bool | None = None,
    ) -> None:
        if tempering not in list(TEMPERINGS):  # whatever it is, with a hash or without
            raise ValueError(
                f"expected tempering to be one of {', '.join(TEMPERINGS)}; "
                f"got {tempering!r}"
            )
        self.tempering = tempering
        super().__init__(validate_args=validate_args, temperature=temperature)

    @property
    def max_temperature(self) -> float:
        return TEMPERINGS[self.tempering].max_temperature

    @property
    def codomain(self) -> Constraint:
        fills = TEMPERINGS[self.tempering].fills_simplex
        return constraints.simplex if fills else image(self)

    def to_log(self, y: Array) -> Array:
        return _by(self.tempering, "to_log", y, column(self.temperature))

    def from_log(self, log_z: Array) -> Array:
        tau = column(self.temperature)
        return _by(self.tempering, "from_log", log_z, tau)

    def log_det(self, y: Array, log_z: Array) -> Array:
        tau = column(self.temperature)
        return _by(self.tempering, "log_det", y, log_z, tau)

    def contains(self, value: Array) -> Array:
        """Whether ``value`` is in the image, up to rounding."""
        tau = column(self.temperature)
        return _by(self.tempering, "contains", to_real(value), tau)

    def tree_flatten(self) -> tuple[Any, ...]:
        leaves, (names, _) = super().tree_flatten()
        return leaves, (names, {"tempering": self.tempering})

    def eq(self, other: object, static: bool = False) -> ArrayLike:
        same = self.tempering == getattr(other, "tempering", None)
        return same and super().eq(other, static)
