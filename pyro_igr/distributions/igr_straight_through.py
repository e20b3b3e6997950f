"""Straight-through IGR: one-hot forward, relaxed gradient (section 3.3)."""

from torch import Size, Tensor
from torch.nn.functional import one_hot

from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr.distributions.igr import IGR


def straight_through(z: Tensor) -> Tensor:
    r"""The vertex nearest to z, with the gradient of z.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z))

    Shape: ``batch + (K,)`` to the same.
    Source: Bengio, Leonard and Courville (2013); IGR (Potapczynski et al., 2020),
        section 3.3.
    """
    refuse_complex(z=z)
    (z,), dtype = in_full_precision(z)
    hard = one_hot(z.argmax(-1), z.shape[-1]).to(z)
    return (hard + (z - z.detach())).to(dtype)


class IGRStraightThrough(IGR):
    r"""An :class:`IGR` whose samples are exactly one-hot, with relaxed gradients.

    With the closed-form KL it works in every plate of ``TraceMeanField_ELBO``. Its
    density is that of the relaxed law, which gives a one-hot value none: ``log_prob``
    of a sample is -inf, so that a Monte-Carlo ELBO is visibly not finite.

    Shape: ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``, ``delta``:
    ``batch`` or plain numbers; value: ``batch + (K,)``.
    Units: log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`, of the relaxed gradient.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if shapes do not broadcast or, under validation, if a parameter
            is outside its range.

    Source: IGR (Potapczynski et al., 2020), section 3.3.
    """

    def rsample(self, sample_shape: Size = Size()) -> Tensor:  # noqa: B008
        return straight_through(super().rsample(sample_shape))
