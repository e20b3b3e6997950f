"""InfiniteIGR: sticks without end, a rest, and a tail (section 3.2, eq. 19)."""

from typing import Any, ClassVar, Self, cast

from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution, constraints

from numpyro_igr._numerics.checks import check_rounding
from numpyro_igr._numerics.precision import at_least_single
from numpyro_igr._typed import Constraint
from numpyro_igr.discrete import log_stick_probs, match_log_stick_probs
from numpyro_igr.distributions._counts import log_pmf
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions._rest import HasRest
from numpyro_igr.distributions._tail import with_batch_of
from numpyro_igr.distributions._truncated import Truncated
from numpyro_igr.transforms import StickBreakingTransform


class InfiniteIGR(HasRest, Truncated):
    r"""Invertible Gaussian reparameterization over countably many categories.

    .. math::
        z = SB(\sigma(y / \tau)), \qquad y_k \sim N(\mu_k, \sigma_k^2), \quad
        k = 1 .. n, \qquad y_{n+1}, y_{n+2}, .. \sim \text{tail}

    SB is stick-breaking. ``loc`` and ``scale`` are those of the first n sticks; all
    further sticks follow the distribution ``tail``. A value is truncated by
    :func:`truncate`: it has the weights of the given sticks up to the first at which
    their sum exceeds :math:`\rho`, and the remaining mass in its last entry, the rest.
    :meth:`break_rest` draws sticks of the tail. The KL to a distribution with the same
    tail (if Normal, at the same temperature) is that of the given sticks before
    truncation, in closed form; the tails add nothing.

    The density is with respect to Lebesgue measure on the first n coordinates. A value
    truncated before its last given stick is on the boundary, and its ``log_prob`` is
    -inf: train with the closed-form KL, or at rho = 1 with :class:`TraceSTL_ELBO`.

    Truncation biases gradients: that of :math:`\sum_k c_k z_k` in the mean of a stick
    by at most :math:`(1 - \rho) \max_k |c_k - c_\text{rest}| / \tau`, that of another
    loss in proportion to its derivatives in z, which can be large: at rho < 1 the
    likelihood of a mixture, :math:`\log \sum_k z_k p_k(x)`, passes by a component that
    is cut, even if that alone explains x. Then take rho = 1.

    Shape:
        ``loc``, ``scale``: ``batch + (n,)``; ``temperature``, ``rho``, ``tail``:
        ``batch`` or plain numbers; value: ``batch + (n + 1,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        temperature: :math:`\tau > 0`; the smaller, the closer to one-hot. None for 1:
            logistic-normal sticks, no relaxation.
        loc: :math:`\mu`, the means of the given y.
        scale: :math:`\sigma > 0`, their standard deviations.
        rho: the mass that the kept weights exceed, less than 1; or 1 to keep all given
            weights.
        tail: the distribution of each further stick: a ``Normal`` for y, None for N(0,
            1), or a :class:`GEM` for sticks
            :math:`\sigma(y / \tau) \sim \text{Beta}(1, \alpha)`.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if ``tail`` is another distribution, if shapes do not broadcast or,
            under validation, if a parameter is outside its range; if ``rho`` is less
            than 1 and rounds to it in the dtype of ``loc`` and ``scale``.

    Accuracy:
        log_prob and KL to 1e-10 in float64.
    Source:
        IGR (Potapczynski et al., 2020), eq. 19; the rest and the tail are ours.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from numpyro.distributions import kl_divergence
        >>> from numpyro_igr import InfiniteIGR
        >>> q = InfiniteIGR(0.1, jnp.array([0.0, 0.5]), jnp.ones(2), rho=0.99)
        >>> value = q.sample(jax.random.key(0))
        >>> print(f"{value.sum():.4f}")
        1.0000
        >>> p = InfiniteIGR(0.1, jnp.zeros(3), jnp.ones(3), rho=0.99)
        >>> print(f"{kl_divergence(q, p):.2f}")
        0.12
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        **GaussianPushforward.arg_constraints,
        "rho": constraints.unit_interval,
    }
    reparametrized_params: ClassVar[list[str]] = list(arg_constraints)
    support: Constraint = constraints.simplex
    options: ClassVar[tuple[str, ...]] = ("rho", "tail")
    instead_of_entropy: str = (
        f"{GaussianPushforward.instead_of_entropy} at rho=1, where they have a density"
    )
    rho: Array

    def __init__(
        self,
        temperature: ArrayLike | None,
        loc: ArrayLike,
        scale: ArrayLike,
        rho: ArrayLike = 0.99,
        *,
        tail: Distribution | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(
            1.0 if temperature is None else temperature,
            loc,
            scale,
            tail=tail,
            validate_args=validate_args,
            rho=with_batch_of(tail, rho, loc=loc, scale=scale),
        )
        dtype = at_least_single(self.loc, self.scale)
        check_rounding(dtype, validate_args=validate_args, rho=rho)

    @classmethod
    def gather_pytree_data_fields(cls) -> tuple[str, ...]:
        return (*super().gather_pytree_data_fields(), "tail")

    def _transform(self) -> StickBreakingTransform:
        return StickBreakingTransform(self.temperature, validate_args=False)

    def _log_probs(self) -> Array:
        return log_stick_probs(self.loc, self.scale, validate_args=False)

    @staticmethod
    def _match(
        log_probs: Array,
        scale: ArrayLike,
        rho: ArrayLike = 0.99,
        tail: Distribution | None = None,
    ) -> Array:
        return match_log_stick_probs(log_probs, scale, validate_args=False)

    @classmethod
    def from_discrete(
        cls,
        temperature: ArrayLike | None,
        distribution: Distribution,
        num_sticks: int | None = None,
        rho: ArrayLike = 1.0,
        scale: ArrayLike = 1.0,
        **options: Any,
    ) -> Self:
        """The distribution whose ``.probs`` are those of a distribution of counts.

        Category k is the integer k. The rest is all integers from ``num_sticks`` on, or
        the last value of a finite support. The match is exact.

        Args:
            temperature: as in the constructor.
            distribution: of the host, on the non-negative integers: Poisson, Binomial,
                Categorical and the like.
            num_sticks: the number of given sticks; None for the largest value if that
                is at most 16, and else for the least number beyond which the mass is
                negligible (parameters must not be traced by jit).
            rho: as in the constructor, but 1 by default: all weights are kept.
            scale: standard deviations of y, free to choose.
            options: further keywords of the constructor.

        Raises:
            ValueError: if ``distribution`` is masked or not on the non-negative
                integers, or if ``num_sticks`` is needed and not given.

        Accuracy:
            Total variation 1e-8 in float64, 1e-4 in float32 (means up to 100, up to 300
            trials).
        """
        logits = log_pmf(distribution, num_sticks)
        tau = cast(Any, temperature)  # None is for the constructor
        return cls.from_probs(tau, None, logits, scale, rho=rho, **options)
