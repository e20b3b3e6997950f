"""ExpIGR: IGR in logarithms, exact at any temperature."""

from torch import Size, Tensor
from torch.distributions import constraints

from pyro_igr.discrete import log_argmax_probs, match_log_probs
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.igr import IGR
from pyro_igr.transforms import LogSoftmaxPlusPlusTransform


class ExpIGR(GaussianPushforward):
    r"""The law of :math:`\log z` for z ~ :class:`IGR`, exact at any temperature.

    .. math::
        \log z = \log \text{softmax}([y / \tau, \log \delta]), \qquad
        y \sim N(\mu, \text{diag}(\sigma^2)) \text{ on } \mathbb{R}^{K-1}

    The density is taken with respect to Lebesgue measure on the additive log-ratios
    :math:`\log z_k - \log z_K` (the convention of
    ``ExpRelaxedOneHotCategorical``): that of :class:`IGR` times :math:`\prod_k z_k`.
    Use it with Monte-Carlo ELBOs.

    Shape: ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``, ``delta``:
    ``batch`` or plain numbers; value: ``batch + (K,)``.
    Units: log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`; the smaller, the closer to one-hot.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if shapes do not broadcast or, under validation, if a parameter
            is outside its range.

    Accuracy: log_prob to 1e-10 in float64, and to 1e-4 relative in float32 at
        temperature 0.01 and K = 1000.
    Source: IGR (Potapczynski et al., 2020), eq. 10 and 15, in logarithms (not in the
        paper).
    """

    arg_constraints = IGR.arg_constraints
    value_is_log = True

    def __init__(
        self,
        temperature: Tensor | float,
        loc: Tensor,
        scale: Tensor | float,
        delta: Tensor | float = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(
            validate_args=validate_args,
            temperature=temperature,
            loc=loc,
            scale=scale,
            delta=delta,
        )

    @constraints.dependent_property(is_discrete=False, event_dim=1)
    def support(self) -> constraints.Constraint:
        return self.transforms[0].codomain

    def _transform(self) -> LogSoftmaxPlusPlusTransform:
        return LogSoftmaxPlusPlusTransform(
            self.temperature, self.delta, validate_args=False
        )

    def _log_probs(self) -> Tensor:
        return log_argmax_probs(self.loc, self.scale)

    @staticmethod
    def _match(
        log_probs: Tensor, scale: Tensor | float, delta: Tensor | float = 1.0
    ) -> Tensor:
        return match_log_probs(log_probs, scale)

    def expand(self, batch_shape: Size, _instance: "ExpIGR | None" = None) -> "ExpIGR":
        return self._expand(self._get_checked_instance(ExpIGR, _instance), batch_shape)
