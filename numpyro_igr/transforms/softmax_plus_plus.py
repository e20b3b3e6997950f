"""softmax++ (eq. 15): a softmax with a weight of its own for category K."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import log_softmax, logsumexp
from jax.typing import ArrayLike

from numpyro_igr._typed import Constraint
from numpyro_igr.transforms._image import image
from numpyro_igr.transforms.simplex import SimplexTransform, column, to_real


class SoftmaxPlusPlusTransform(SimplexTransform):
    r"""Maps :math:`\mathbb{R}^{K-1}` onto the open simplex of K categories.

    .. math::
        g(y, \tau)_k = \frac{e^{y_k / \tau}}{\sum_{j<K} e^{y_j / \tau} + \delta},
        \qquad
        \log \Big|\det \frac{\partial z_{1..K-1}}{\partial y}\Big|
        = -(K-1) \log \tau + \sum_{k=1}^{K} \log z_k

    As :math:`\tau \to 0` the value tends to a vertex: that of the largest
    positive :math:`y_k`, or of category K if none is positive.

    Shape:
        input ``batch + (K-1,)``, output ``batch + (K,)``, log-det ``batch``.
    Units:
        The log-det is in nats; ``temperature`` and ``delta`` have none.

    Args:
        temperature: :math:`\tau > 0`, of shape ``batch`` or a plain number;
            the smaller, the closer to one-hot.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check the parameters; the host's default if None.

    Raises:
        ValueError: if a parameter is not positive.

    Accuracy:
        Value, inverse and log-det to 1e-10 in float64.
    Source:
        IGR (Potapczynski et al., 2020), eq. 15; log-det eq. 26; limit Prop. 1.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import SoftmaxPlusPlusTransform
        >>> g = SoftmaxPlusPlusTransform(0.5)
        >>> z = g(jnp.array([0.3, -0.2]))
        >>> print(f"{z.sum():.4f}")
        1.0000
        >>> [round(x, 4) for x in g.inv(z).tolist()]
        [0.3, -0.2]
    """

    delta: ArrayLike

    parameter_names: ClassVar[tuple[str, ...]] = ("temperature", "delta")

    def __init__(
        self,
        temperature: ArrayLike,
        delta: ArrayLike = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(
            validate_args=validate_args, temperature=temperature, delta=delta
        )

    def to_log(self, y: Array) -> Array:
        return log_softmax(SoftmaxPlusPlusTransform.to_logits(self, y), -1)

    def to_logits(self, y: Array) -> Array:
        return _logits(y, self.temperature, self.delta)

    def from_log(self, log_z: Array) -> Array:
        return _from_log(log_z, self.temperature, self.delta)

    def log_det(self, y: Array, log_z: Array) -> Array:
        return _log_det(log_z, self.temperature)


# Each is compiled as one program, also where it is called outside of jit.
@jax.jit
def _logits(y: Array, temperature: ArrayLike, delta: ArrayLike) -> Array:
    scaled = y / column(temperature)
    last = jnp.broadcast_to(jnp.log(column(delta)), (*scaled.shape[:-1], 1))
    return jnp.concatenate([scaled, last], -1)


@jax.jit
def _from_log(log_z: Array, temperature: ArrayLike, delta: ArrayLike) -> Array:
    alr = log_z[..., :-1] - log_z[..., -1:]
    return column(temperature) * (alr + jnp.log(column(delta)))


@jax.jit
def _log_det(log_z: Array, temperature: ArrayLike) -> Array:
    return log_z.sum(-1) - (log_z.shape[-1] - 1) * jnp.log(temperature)


@jax.jit
def _finite_or_zero(log_z: Array) -> tuple[Array, Array]:
    inside = jnp.isfinite(log_z).all(-1, keepdims=True)
    return inside, jnp.where(inside, log_z, 0.0)


@jax.jit
def _has_sum_one(log_z: Array) -> Array:
    return jnp.abs(logsumexp(log_z, -1)) < jnp.finfo(log_z.dtype).eps ** 0.5


class LogSoftmaxPlusPlusTransform(SoftmaxPlusPlusTransform):
    r"""The logarithm of :class:`SoftmaxPlusPlusTransform`: finite at any temperature.

    Its log-det, :math:`-(K-1) \log \tau`, is that of the additive log-ratios
    :math:`\log z_k - \log z_K`, the coordinates in which densities on log z are
    taken (the convention of ``ExpRelaxedOneHotCategorical``).

    Shape:
        input ``batch + (K-1,)``, output ``batch + (K,)``, log-det ``batch``.
    Units:
        The log-det is in nats.

    Args:
        temperature: :math:`\tau > 0`, of shape ``batch`` or a plain number.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check the parameters; the host's default if None.

    Raises:
        ValueError: if a parameter is not positive.

    Source:
        IGR (Potapczynski et al., 2020), eq. 15, in logarithms (not in the paper).
    """

    @property
    def codomain(self) -> Constraint:
        return image(self)

    def __call__(self, x: Array) -> Array:
        return self.to_log(to_real(x))

    def _inverse(self, y: Array) -> Array:
        inside, log_z = _finite_or_zero(to_real(y))
        return jnp.where(inside, self.from_log(log_z), jnp.nan)

    def log_det(self, y: Array, log_z: Array) -> Array:
        log_det = -y.shape[-1] * jnp.log(self.temperature)
        return jnp.broadcast_to(log_det, log_z.shape[:-1])

    def contains(self, value: Array) -> Array:
        """Whether ``value`` is the logarithm of a point of the simplex."""
        return _has_sum_one(to_real(value))
