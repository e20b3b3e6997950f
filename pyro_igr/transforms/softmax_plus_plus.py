"""softmax++ (eq. 15): a softmax with a weight of its own for category K."""

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import log_softmax

from pyro_igr.transforms._image import image
from pyro_igr.transforms.simplex import SimplexTransform, column, to_real


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
        >>> import torch
        >>> from pyro_igr import SoftmaxPlusPlusTransform
        >>> g = SoftmaxPlusPlusTransform(0.5)
        >>> z = g(torch.tensor([0.3, -0.2]))
        >>> print(f"{z.sum():.4f}")
        1.0000
        >>> g.inv(z)
        tensor([ 0.3000, -0.2000])
    """

    delta: Tensor | float

    def __init__(
        self,
        temperature: Tensor | float,
        delta: Tensor | float = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(
            validate_args=validate_args, temperature=temperature, delta=delta
        )

    def to_log(self, y: Tensor) -> Tensor:
        return log_softmax(SoftmaxPlusPlusTransform.to_logits(self, y), -1)

    def to_logits(self, y: Tensor) -> Tensor:
        scaled = y / column(self.temperature, y)
        last = column(self.delta, y).log().expand(*scaled.shape[:-1], 1)
        return torch.cat([scaled, last], -1)

    def from_log(self, log_z: Tensor) -> Tensor:
        alr = log_z[..., :-1] - log_z[..., -1:]
        return column(self.temperature, alr) * (alr + column(self.delta, alr).log())

    def log_det(self, y: Tensor, log_z: Tensor) -> Tensor:
        log_tau = column(self.temperature, y).log().squeeze(-1)
        return log_z.sum(-1) - y.shape[-1] * log_tau


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
    def codomain(self) -> constraints.Constraint:
        return image(self)

    def _call(self, x: Tensor) -> Tensor:
        return self.to_log(to_real(x))

    def _inverse(self, y: Tensor) -> Tensor:
        y = to_real(y)
        inside = y.isfinite().all(-1, keepdim=True)
        return torch.where(
            inside, self.from_log(torch.where(inside, y, 0.0)), torch.nan
        )

    def log_det(self, y: Tensor, log_z: Tensor) -> Tensor:
        log_tau = column(self.temperature, y).log().squeeze(-1)
        return (-y.shape[-1] * log_tau).expand(log_z.shape[:-1])

    def contains(self, value: Tensor) -> Tensor:
        """Whether ``value`` is the logarithm of a point of the simplex."""
        value = to_real(value)
        return value.logsumexp(-1).abs() < torch.finfo(value.dtype).eps ** 0.5
