"""IGR through a normalizing flow; with planar layers, IGR-Planar (section 3.1)."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.transforms import Transform
from torch.nn.functional import pad

from pyro_igr._numerics.antithetic_noise import antithetic_noise, check_pairs
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.igr import IGR
from pyro_igr.transforms import FlowSoftmaxPlusPlusTransform
from pyro_igr.transforms.flow import check_bijective, check_shape, parts_of

# Numbers that are counted at once, which bounds the memory.
WHOLE = 2**20


class IGRFlow(GaussianPushforward):
    r"""Invertible Gaussian reparameterization through a normalizing flow.

    .. math::
        z = \text{softmax}([f(y) / \tau, \log \delta]), \qquad
        y \sim N(\mu, \text{diag}(\sigma^2)) \text{ on } \mathbb{R}^{K-1}

    with f any bijection of the host, or several in turn; two :class:`PlanarTransform`
    are the IGR-Planar of the paper. The KL between two of these distributions is closed
    form if they have the same flow, the same object that is, and equal temperatures and
    deltas; a mean-field ELBO estimates any other.

    The discrete distribution has no closed form. ``.probs`` counts a fixed antithetic
    sample of 10,000, with half a count added to every category. It has no gradient:
    objectives that need one refuse this distribution, while ``discretize`` evaluates
    it.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; ``temperature``, ``delta``: ``batch`` or
        plain numbers; value: ``batch + (K,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`; the smaller, the closer to one-hot.
        loc: :math:`\mu`, the mean of y.
        scale: :math:`\sigma > 0`, the standard deviation of y.
        flow: a bijection of :math:`\mathbb{R}^{K-1}`, or a list of them.
        delta: :math:`\delta > 0`, the unnormalised weight of category K.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if shapes do not broadcast, if the flow has a batch that the
            distribution has not, makes points of another length or is no bijection of
            real vectors or, under validation, if a parameter is outside its range.

    Accuracy:
        log_prob and KL to 1e-10 in float64, if the flow is as accurate.
    Source:
        IGR (Potapczynski et al., 2020), section 3.1. That the KL stays closed form with
        a shared flow is not in the paper.

    Example:
        >>> import torch
        >>> from torch.distributions import kl_divergence
        >>> from pyro_igr import IGRFlow, PlanarTransform
        >>> flow = [PlanarTransform(torch.ones(2), torch.ones(2)) for _ in range(2)]
        >>> q = IGRFlow(0.5, torch.zeros(2), torch.ones(2), flow)
        >>> p = IGRFlow(0.5, torch.tensor([1.0, 0.0]), torch.ones(2), flow)
        >>> print(f"{kl_divergence(q, p):.2f}")
        0.50
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = IGR.arg_constraints
    support: constraints.Constraint = constraints.simplex
    options: ClassVar[tuple[str, ...]] = ("flow", "delta")
    has_discrete_gradient: ClassVar[bool] = False
    flow: tuple[Transform, ...]
    delta: Tensor

    def __init__(
        self,
        temperature: Tensor | float,
        loc: Tensor,
        scale: Tensor | float,
        flow: Transform | Sequence[Transform],
        delta: Tensor | float = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        parts = parts_of(flow)
        super().__init__(
            temperature,
            loc,
            scale,
            flow=parts,
            delta=delta,
            validate_args=validate_args,
        )
        check_shape(parts, (*self.batch_shape, self.event_shape[0] - 1))
        check_bijective(parts)

    def _transform(self) -> FlowSoftmaxPlusPlusTransform:
        return FlowSoftmaxPlusPlusTransform(
            self.flow, self.temperature, self.delta, validate_args=False
        )

    def _counts(self, num_samples: int) -> Tensor:
        """How many samples choose each category, and how many pairs choose it twice."""
        half = antithetic_noise(num_samples, self.loc)[: num_samples // 2]
        width = math.prod((*self.batch_shape, *self.event_shape))
        size = max(1, WHOLE // max(1, 2 * width))
        with torch.no_grad():
            blocks = map(self._count, half.split(size))
            return sum(blocks, torch.zeros_like(self.loc[..., :1]))

    def _count(self, noise: Tensor) -> Tensor:
        first, second = (
            self._chosen(self.loc + self.scale * x) for x in (noise, -noise)
        )
        counts = first.sum(0) + second.sum(0), (first * second).sum(0)
        return torch.stack(counts).to(noise)

    def _chosen(self, y: Tensor) -> Tensor:
        for part in self.flow:
            y = cast(Tensor, part(y))
        chosen = pad(y, (0, 1)).argmax(-1, keepdim=True)
        vertices = chosen == torch.arange(y.shape[-1] + 1, device=y.device)
        return torch.where(y.isnan().any(-1, keepdim=True), torch.nan, vertices)

    def probs_and_error(self, num_samples: int = 10_000) -> tuple[Tensor, Tensor]:
        """Probabilities of the discrete distribution, and their standard errors.

        Shape:
            both ``batch + (K,)``.

        Args:
            num_samples: size of the fixed antithetic sample, even. An error is NaN of
                2, and 0 at a category that none has, the probability of which is below
                6 / ``num_samples`` at a confidence of 95 %.

        Raises:
            ValueError: if ``num_samples`` is not positive and even.
        """
        check_pairs(num_samples)
        counts, pairs = self._counts(num_samples)
        probs = counts / num_samples
        # The variance of the mean of a pair, of which there are num_samples / 2.
        variance = (counts + 2 * pairs) / num_samples - 2 * probs**2
        return probs, (variance.clamp(min=0) / (num_samples - 2)).sqrt()

    def _log_probs(self) -> Tensor:
        counts = self._counts(10_000)[0] + 0.5
        return (counts / counts.sum(-1, keepdim=True)).log()

    @staticmethod
    def _match(log_probs: Tensor, scale: Tensor | float, **options: Any) -> Tensor:
        raise ValueError(
            "expected a distribution whose discrete distribution has a closed form to "
            "invert; that of IGRFlow has none"
        )
