"""The law of g(y) for Gaussian y: what all members of the family share."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array, random
from jax.typing import ArrayLike
from numpyro.distributions import (
    Distribution,
    Normal,
    TransformedDistribution,
    constraints,
)
from numpyro.distributions.transforms import Transform
from numpyro.distributions.util import promote_shapes, validate_sample

from numpyro_igr.distributions._absent import Absent
from numpyro_igr.distributions._parameters import (
    check_shapes,
    check_value,
    infer_shapes,
    to_arrays,
)
from numpyro_igr.distributions._recovered import Recovered
from numpyro_igr.distributions._rounding import absorb_rounding, to_score

Shape = tuple[int, ...]


class GaussianPushforward(Recovered, Absent, TransformedDistribution):
    r"""Base of the laws of :math:`z = g(y, \tau)` for Gaussian y.

    .. math::
        y = \mu + \sigma \epsilon, \quad \epsilon \sim N(0, I_{K-1}), \qquad
        \log p(z) = \log N(y; \mu, \sigma^2)
        - \log \Big|\det \frac{\partial z_{1..K-1}}{\partial y}\Big|

    A member names its parameters in ``arg_constraints`` and hands them to this
    ``__init__``; ``_transform`` returns its map and ``_log_probs`` the logarithm of
    its discrete law, that of the vertex h(y) which z tends to; ``_match`` inverts it.

    A value with an entry that has underflowed to 0 lies on the boundary, where the
    density vanishes: its ``log_prob`` is -inf, never a clamped finite number.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "temperature": constraints.positive,
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }
    has_rsample = True
    value_is_log = False

    def __init__(self, *, validate_args: bool | None, **parameters: ArrayLike) -> None:
        arrays = to_arrays(parameters)
        batch_shape, event_shape = check_shapes(arrays)
        for name, value in arrays.items():
            own = (event_shape[0] - 1,) if name in ("loc", "scale") else ()
            (promoted,) = promote_shapes(value, shape=batch_shape + own)
            setattr(self, name, promoted)
        Distribution.__init__(
            self, batch_shape, event_shape, validate_args=validate_args
        )
        self._transform()  # which checks what only the map knows

    # The parameters are the only leaves, all of one batch rank; the rest is derived,
    # so that vmap and scan over a law see nothing twice.
    @classmethod
    def gather_pytree_data_fields(cls) -> tuple[str, ...]:
        return tuple(cls.arg_constraints)

    def _transform(self) -> Transform:
        raise NotImplementedError

    @property
    def base_dist(self) -> Distribution:
        loc, scale = jnp.broadcast_arrays(self.loc, self.scale)
        return Normal(loc, scale, validate_args=False).to_event(1)

    @property
    def transforms(self) -> list[Transform]:
        return [self._transform()]

    @classmethod
    def infer_shapes(cls, *args: Shape, **kwargs: Shape) -> tuple[Shape, Shape]:
        return infer_shapes(
            **dict(zip(cls.arg_constraints, args, strict=False), **kwargs)
        )

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        dtype = jnp.result_type(self.loc, self.scale, jnp.float32)
        shape = sample_shape + self.batch_shape + (self.event_shape[0] - 1,)
        noise = random.normal(key, shape, dtype)
        return self._transform()(self.loc + self.scale * noise)

    def rsample(self, key: Array, sample_shape: Shape = ()) -> Array:
        return self.sample(key, sample_shape)

    def sample_with_intermediates(
        self, key: Array, sample_shape: Shape = ()
    ) -> tuple[Array, list[Any]]:
        return self.sample(key, sample_shape), []

    @validate_sample
    def log_prob(self, value: Array, intermediates: list[Any] | None = None) -> Array:
        check_value(value, self.event_shape)
        (value, loc, scale), dtype = to_score(value, self.loc, self.scale)
        transform = self._transform()
        y = transform._inverse(value)
        inside = jnp.isfinite(y).all(-1)
        y = jnp.where(inside[..., None], y, loc)
        gaussian = Normal(loc, scale, validate_args=False).log_prob(y).sum(-1)
        log_prob = gaussian - transform.log_abs_det_jacobian(y, value)
        return jnp.where(inside, log_prob, -jnp.inf).astype(dtype)

    def _validate_sample(self, value: Array) -> Array:
        is_simplex = self.support is constraints.simplex
        return super()._validate_sample(absorb_rounding(value) if is_simplex else value)
