"""IGR through a normalizing flow; with planar layers, IGR-Planar (section 3.1)."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import one_hot
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from numpyro_igr._host import not_jax_tracer
from numpyro_igr._numerics.antithetic_noise import antithetic_noise, check_pairs
from numpyro_igr._typed import Constraint, Transform
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.igr import IGR
from numpyro_igr.transforms import FlowSoftmaxPlusPlusTransform
from numpyro_igr.transforms.flow import check_bijective, check_shape, parts_of

# Numbers that are counted at once, and of how many samples, which bounds the memory.
WHOLE, MOST = 2**20, 100


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
        >>> import jax.numpy as jnp
        >>> from numpyro.distributions import kl_divergence
        >>> from numpyro_igr import IGRFlow, PlanarTransform
        >>> flow = [PlanarTransform(jnp.ones(2), jnp.ones(2)) for _ in range(2)]
        >>> q = IGRFlow(0.5, jnp.zeros(2), jnp.ones(2), flow)
        >>> p = IGRFlow(0.5, jnp.array([1.0, 0.0]), jnp.ones(2), flow)
        >>> print(f"{kl_divergence(q, p):.2f}")
        0.50
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = IGR.arg_constraints
    reparametrized_params: ClassVar[list[str]] = IGR.reparametrized_params
    support: Constraint = constraints.simplex
    options: ClassVar[tuple[str, ...]] = ("flow", "delta")
    has_discrete_gradient: ClassVar[bool] = False
    flow: tuple[Transform, ...]
    delta: Array

    def __init__(
        self,
        temperature: ArrayLike,
        loc: ArrayLike,
        scale: ArrayLike,
        flow: Transform | Sequence[Transform],
        delta: ArrayLike = 1.0,
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

    @classmethod
    def gather_pytree_data_fields(cls) -> tuple[str, ...]:
        return (*super().gather_pytree_data_fields(), "flow")

    def _transform(self) -> FlowSoftmaxPlusPlusTransform:
        return FlowSoftmaxPlusPlusTransform(
            self.flow, self.temperature, self.delta, validate_args=False
        )

    def _counts(self, num_samples: int) -> Array:
        """How many samples choose each category, and how many pairs choose it twice."""
        loc = jnp.asarray(self.loc, jnp.result_type(self.loc, float))
        half = antithetic_noise(num_samples, loc)[: num_samples // 2]
        width = 2 * math.prod((*self.batch_shape, *self.event_shape))
        # A batch that vmap adds is not seen: only a known one is left whole.
        if not_jax_tracer(loc) and len(half) * width <= WHOLE:
            return self._count(half)
        size = min(max(1, WHOLE // max(1, width)), MOST)
        end = len(half) // size * size
        blocks = half[:end].reshape(-1, size, *half.shape[1:])

        def add(counts: Array, block: Array) -> tuple[Array, None]:
            return counts + self._count(block), None

        return lax.scan(add, self._count(half[end:]), blocks)[0]

    def _count(self, noise: Array) -> Array:
        first, second = (
            self._chosen(self.loc + self.scale * x) for x in (noise, -noise)
        )
        return jnp.stack([(first + second).sum(0), (first * second).sum(0)])

    def _chosen(self, y: Array) -> Array:
        for part in self.flow:
            y = cast(Array, part(y))
        last = jnp.zeros_like(y[..., :1])
        chosen = lax.stop_gradient(jnp.concatenate([y, last], -1)).argmax(-1)
        vertices = one_hot(chosen, self.event_shape[0], dtype=y.dtype)
        return jnp.where(jnp.isnan(y).any(-1, keepdims=True), jnp.nan, vertices)

    def probs_and_error(self, num_samples: int = 10_000) -> tuple[Array, Array]:
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
        shape = 2, *self.batch_shape, *self.event_shape
        counts, pairs = jnp.broadcast_to(self._counts(num_samples), shape)
        probs = counts / num_samples
        # The variance of the mean of a pair, of which there are num_samples / 2.
        variance = (counts + 2 * pairs) / num_samples - 2 * probs**2
        return probs, jnp.sqrt(variance.clip(min=0) / (num_samples - 2))

    def _log_probs(self) -> Array:
        counts = self._counts(10_000)[0] + 0.5
        return jnp.log(counts / counts.sum(-1, keepdims=True))

    @staticmethod
    def _match(log_probs: Array, scale: ArrayLike, **options: Any) -> Array:
        raise ValueError(
            "expected a distribution whose discrete distribution has a closed form to "
            "invert; that of IGRFlow has none"
        )
