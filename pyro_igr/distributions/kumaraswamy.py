"""Kumaraswamy, with an exact KL to a Beta."""

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Beta, register_kl
from torch.distributions import Kumaraswamy as TorchKumaraswamy
from torch.nn.functional import logsigmoid

from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._typed import Kumaraswamy as AnyKumaraswamy

EULER_GAMMA = 0.5772156649015329

# Log odds of w. The integrand falls as exp(-|t|) at both ends, and as a function of t
# it is that of a Gumbel variable at the sharpest, whose trapezoidal rule of this step
# errs by exp(-pi^2 / 0.3) = 5e-15 of its size.
STEP = 0.3
NODES = np.arange(-30.0, 40.0, STEP)


class Kumaraswamy(AnyKumaraswamy):
    r"""The Kumaraswamy distribution on (0, 1), with an exact KL to a ``Beta``.

    .. math::
        u = (1 - (1 - U)^{1/b})^{1/a}, \qquad
        p(u) = a b u^{a-1} (1 - u^a)^{b-1}

    It is the host's own in all but that KL. Pyro has none, and there every
    ``Kumaraswamy`` has it; NumPyro's is a series cut after ten terms, which is exact if
    the second parameter of the Beta distribution is 1, and else can be nats off.

    Shape:
        ``concentration1``, ``concentration0`` and value: ``batch``.
    Units:
        Log-densities and KL are in nats.

    Args:
        concentration1: :math:`a > 0`.
        concentration0: :math:`b > 0`.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: under validation, if a parameter is not positive.

    Accuracy:
        KL to 1e-10 of 1 + KL in float64, for parameters of both distributions from 0.05
        to 50.
    Source:
        Nalisnick and Smyth (2017), eq. 12, with an integral for the series.

    Example:
        >>> import torch
        >>> from pyro.distributions import Beta
        >>> from torch.distributions import kl_divergence
        >>> from pyro_igr import Kumaraswamy
        >>> q = Kumaraswamy(torch.tensor(2.0), torch.tensor(3.0))
        >>> prior = Beta(torch.tensor(1.0), torch.tensor(5.0))
        >>> print(f"{kl_divergence(q, prior):.3f}")
        1.399
    """


def _mean_log_complement(a: Tensor, b: Tensor) -> Tensor:
    r"""The mean of log(1 - u) under a Kumaraswamy distribution.

    .. math::
        E \log(1 - u) = -\frac{1}{b} - \log a
        + E \log \frac{a (1 - (1 - w)^{1/a})}{w}, \qquad w \sim \text{Beta}(b, 1)

    by the trapezoidal rule over the log odds of w, which converges geometrically.

    Shape:
        ``batch``.
    Units:
        Nats.

    Args:
        a: the first parameter.
        b: the second.
    """
    a, b = a.unsqueeze(-1), b.unsqueeze(-1)
    nodes = a.new_tensor(NODES)
    log_w, log_rest = logsigmoid(nodes), logsigmoid(-nodes)
    log_ratio = (-torch.expm1(log_rest / a)).log() + a.log() - log_w
    density = b * (b * log_w + log_rest).exp()
    correction = (density * log_ratio).sum(-1) * STEP
    return -1 / b.squeeze(-1) - a.squeeze(-1).log() + correction


# The bases of the host's own, which have no KL to be kept.
@register_kl(TorchKumaraswamy, Beta)
def _kl_to_beta(p: TorchKumaraswamy, q: Beta) -> Tensor:
    """KL(p || q) in nats."""
    parameters = (
        p.concentration1,
        p.concentration0,
        q.concentration1,
        q.concentration0,
    )
    (a, b, c, d), dtype = in_full_precision(*parameters)
    mean_log = -(EULER_GAMMA + torch.digamma(1 + b)) / a
    log_beta = torch.lgamma(c) + torch.lgamma(d) - torch.lgamma(c + d)
    negative_entropy = (a * b).log() + (a - 1) * mean_log - (1 - 1 / b)
    mean_log_prior = (c - 1) * mean_log + (d - 1) * _mean_log_complement(a, b)
    return (negative_entropy - mean_log_prior + log_beta).to(dtype)
