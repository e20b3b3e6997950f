"""GEM: the stick-breaking prior of the Dirichlet process."""

from numbers import Number
from typing import ClassVar, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from numpyro_igr._host import validate_sample
from numpyro_igr._numerics.checks import check_size, refuse_complex
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._typed import Constraint, Distribution
from numpyro_igr.distributions._absent import BY_SAMPLES, Absent
from numpyro_igr.distributions._parameters import check_value
from numpyro_igr.distributions._rounding import absorb_rounding, to_score
from numpyro_igr.distributions._stick_logit import StickLogit
from numpyro_igr.transforms import StickBreakingTransform

Shape = tuple[int, ...]
UNTEMPERED = StickBreakingTransform(1.0)


class GEM(Absent, Distribution):
    r"""Weights of the Dirichlet process (Griffiths, Engen, McCloskey), by their sticks.

    .. math::
        z_k = u_k \prod_{i<k} (1 - u_i), \qquad u_k \sim \text{Beta}(1, \alpha), \qquad
        k = 1 .. n

    and the last entry of z is the rest, :math:`\prod_{i \le n} (1 - u_i)`, the mass of
    all further sticks. The density is with respect to Lebesgue measure on the first n
    coordinates; if an entry of a value has underflowed to 0, its ``log_prob`` is -inf.
    There is a KL from :class:`InfiniteIGR` whose tail is a GEM of the same
    concentration, and from :class:`IGRStickBreaking` ("sticks"). The numbers of sticks
    may differ: the KL is that of the sticks of the other distribution.

    Shape:
        ``concentration``: ``batch``; value: ``batch + (num_sticks + 1,)``.
    Units:
        Log-densities and KL are in nats.

    Args:
        concentration: :math:`\alpha > 0`; the larger, the more weights matter.
        num_sticks: n, the number of sticks that a value shows.
        validate_args: whether to check parameters and values; the host's default
            if None.

    Raises:
        ValueError: if ``num_sticks`` is not positive or, under validation, if
            ``concentration`` is not.

    Accuracy:
        log_prob to 1e-10 in float64.
    Source:
        Sethuraman (1994).

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro.distributions import kl_divergence
        >>> from numpyro_igr import GEM, InfiniteIGR
        >>> prior = GEM(1.0, num_sticks=3)
        >>> q = InfiniteIGR(1.0, jnp.zeros(3), 1.7 * jnp.ones(3), tail=prior)
        >>> print(f"{kl_divergence(q, prior):.2f}")
        0.03
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "concentration": constraints.positive
    }
    reparametrized_params: ClassVar[list[str]] = ["concentration"]
    pytree_data_fields: ClassVar[tuple[str, ...]] = ("concentration",)
    pytree_aux_fields: ClassVar[tuple[str, ...]] = ("num_sticks",)
    concentration: Array
    num_sticks: int
    support: Constraint = constraints.simplex
    given_concentration: ArrayLike | None = None
    instead_of_mean: str = f"use .probs, or {BY_SAMPLES}"
    instead_of_entropy: str = "average -log_prob over samples"
    instead_of_variance: str = BY_SAMPLES
    instead_of_values: str = "values are continuous: draw samples"

    def __init__(
        self,
        concentration: ArrayLike,
        num_sticks: int,
        *,
        validate_args: bool | None = None,
    ) -> None:
        check_size(num_sticks=num_sticks)
        refuse_complex(concentration=concentration)
        self.given_concentration, self.num_sticks = concentration, num_sticks
        if isinstance(concentration, Number):
            concentration = np.asarray(concentration, jnp.result_type(float))
        elif not jnp.issubdtype(jnp.result_type(concentration), jnp.floating):
            concentration = cast(Array, concentration).astype(jnp.result_type(float))
        self.concentration = cast(Array, concentration)
        batch_shape, event_shape = jnp.shape(concentration), (num_sticks + 1,)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def stick(self) -> StickLogit:
        """The distribution of the logit of each stick, of shape ``batch + (1,)``."""
        (alpha,), _ = in_full_precision(self.concentration)
        return StickLogit(jnp.expand_dims(alpha, -1), validate_args=False)

    @property
    def logits(self) -> Array:
        """Log of :attr:`probs`, in nats."""
        shape = (*self.batch_shape, self.num_sticks)
        typical = jnp.broadcast_to(jnp.log(self.stick().concentration), shape)
        return UNTEMPERED.to_log(-typical).astype(jnp.result_type(self.concentration))

    @property
    def probs(self) -> Array:
        """The mean weights, the rest included."""
        return jnp.exp(self.logits)

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        sticks = self.stick().expand((*self.batch_shape, self.num_sticks))
        return UNTEMPERED(cast(Array, sticks.sample(key, sample_shape)))

    @validate_sample
    def log_prob(self, value: Array, intermediates: None = None) -> Array:
        check_value(value, self.event_shape)
        (value, _), dtype = to_score(value, self.concentration)
        y = UNTEMPERED._inverse(value)
        inside = jnp.isfinite(y).all(-1)
        y = jnp.where(inside[..., None], y, 0.0)
        log_prob = self.stick().log_prob(y).sum(-1)
        log_prob = log_prob - UNTEMPERED.log_abs_det_jacobian(y, value)
        return jnp.where(inside, log_prob, -jnp.inf).astype(dtype)

    def _validate_sample(self, value: Array) -> ArrayLike:
        return super()._validate_sample(absorb_rounding(value))
