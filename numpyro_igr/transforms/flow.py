"""A normalizing flow before softmax++ (section 3.1)."""

from collections.abc import Iterable, Sequence
from operator import is_
from typing import Any

from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import constraints, transforms

from numpyro_igr._typed import Transform
from numpyro_igr.transforms.softmax_plus_plus import SoftmaxPlusPlusTransform

NO_INVERSE = (
    "expected flow to have an inverse, as PlanarTransform or the host's affine maps "
    "have; got {}, which has none"
)
REFUSED = (
    "expected flow to map points of as many entries as loc has, {}, but {} raised: {}"
)


class FlowSoftmaxPlusPlusTransform(SoftmaxPlusPlusTransform):
    r"""A flow on :math:`\mathbb{R}^{K-1}`, then :class:`SoftmaxPlusPlusTransform`.

    .. math:: z = \text{softmax}([f(y) / \tau, \log \delta])

    Shape:
        input ``batch + (K-1,)``, output ``batch + (K,)``, log-det ``batch``.
    Units:
        The log-det is in nats.

    Args:
        flow: bijections of the host, applied in turn.
        temperature: :math:`\tau > 0`, of shape ``batch`` or a plain number.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check the parameters; the host's default if None.

    Raises:
        ValueError: if a parameter is not positive.

    Source:
        IGR (Potapczynski et al., 2020), section 3.1.
    """

    def __init__(
        self,
        flow: tuple[Transform, ...],
        temperature: ArrayLike,
        delta: ArrayLike = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(temperature, delta, validate_args=validate_args)
        self.flow: tuple[Any, ...] = flow

    def to_log(self, y: Array) -> Array:
        for part in self.flow:
            y = part(y)
        return super().to_log(y)

    def from_log(self, log_z: Array) -> Array:
        y = super().from_log(log_z)
        for part in reversed(self.flow):
            try:
                y = part.inv(y)
            except NotImplementedError as error:
                raise ValueError(NO_INVERSE.format(type(part).__name__)) from error
        return y

    def log_det(self, y: Array, log_z: Array) -> Array:
        total = super().log_det(y, log_z)
        for part in self.flow:
            x, y = y, part(y)
            log_det = part.log_abs_det_jacobian(x, y)
            is_elementwise = part.domain.event_dim == 0
            total = total + (log_det.sum(-1) if is_elementwise else log_det)
        return total

    def tree_flatten(self) -> tuple[Any, ...]:
        leaves = self.flow, self.temperature, self.delta
        return leaves, (("flow", "temperature", "delta"), {})

    def eq(self, other: Any, static: bool = False) -> ArrayLike:
        flows = self.flow, getattr(other, "flow", ())
        is_same = len(flows[0]) == len(flows[1]) and all(map(is_, *flows))
        return is_same and super().eq(other, static)


def parts_of(flow: Transform | Sequence[Transform]) -> tuple[Transform, ...]:
    """The bijections that a flow consists of.

    Args:
        flow: a bijection of the host, or several.

    Raises:
        TypeError: if it is neither.
    """
    parts = tuple(flow) if isinstance(flow, Iterable) else (flow,)
    if not all(isinstance(part, transforms.Transform) for part in parts):
        raise TypeError(f"expected flow to be a bijection or several, got {flow}")
    return parts


def check_shape(flow: tuple[Transform, ...], shape: tuple[int, ...]) -> None:
    """Raises unless a flow leaves the shape of points as it is.

    Args:
        flow: bijections of the host, applied in turn.
        shape: of the points.

    Raises:
        ValueError: if it takes or makes points of another length, or has a batch beyond
            theirs.
    """
    found = shape
    for part in flow:
        try:
            found = tuple(part.forward_shape(found))
        except ValueError as error:
            raise ValueError(
                REFUSED.format(shape[-1], type(part).__name__, error)
            ) from error
    if found[-1] != shape[-1]:
        raise ValueError(
            f"expected flow to map points of {shape[-1]} entries to such points, but "
            f"it makes points of {found[-1]} entries"
        )
    if found != shape:
        raise ValueError(
            "expected the batch of flow to be within that of the distribution, "
            f"but it makes {found} of the shape {shape}: expand loc"
        )


def check_bijective(flow: tuple[Transform, ...]) -> None:
    r"""Raises unless each part of a flow is a bijection of :math:`\mathbb{R}^n`.

    Args:
        flow: transforms of the host, applied in turn.

    Raises:
        ValueError: naming the part, where the KL would be another.
    """
    for part in flow:
        if not (_is_real(part.domain) and _is_real(part.codomain)):
            raise ValueError(
                "expected flow to consist of bijections of real vectors, got "
                f"{type(part).__name__} from {part.domain} to {part.codomain}"
            )


def _is_real(constraint: Any) -> bool:
    if parts := getattr(constraint, "cseq", None):  # of those put side by side
        return all(map(_is_real, parts))
    inner = getattr(constraint, "base_constraint", None)
    is_scalar = isinstance(constraint, type(constraints.real))
    return is_scalar if inner is None else _is_real(inner)
