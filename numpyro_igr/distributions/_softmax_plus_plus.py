"""What IGR and its logarithm have in common: softmax++ of a Gaussian."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import constraints

from numpyro_igr._typed import Constraint
from numpyro_igr.discrete import (
    log_argmax_probs,
    match_log_probs,
    straight_through,
    with_gradient_of,
)
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.noise import ArgmaxNoise


class SoftmaxPlusPlus(GaussianPushforward):
    """What z and its logarithm have in common."""

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        **GaussianPushforward.arg_constraints,
        "delta": constraints.positive,
    }
    reparametrized_params: ClassVar[list[str]] = list(arg_constraints)
    options: ClassVar[tuple[str, ...]] = ("delta",)
    noise_type: type | None = ArgmaxNoise
    delta: Array

    def __init__(
        self,
        temperature: ArrayLike,
        loc: ArrayLike,
        scale: ArrayLike,
        delta: ArrayLike = 1.0,
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(
            temperature, loc, scale, delta=delta, validate_args=validate_args
        )

    @property
    def unit_shift(self) -> Array:
        return -jnp.log(self.delta)

    def _log_probs(self) -> Array:
        return log_argmax_probs(self.loc, self.scale, validate_args=False)

    @staticmethod
    def _match(log_probs: Array, scale: ArrayLike, delta: ArrayLike = 1.0) -> Array:
        return match_log_probs(log_probs, scale, validate_args=False)

    # Delta weighs category K in a relaxed value, and not in the one-hot one.
    def _harden(self, z: Array) -> Array:
        last = z[..., -1:] / jnp.expand_dims(self.delta, -1)
        hard = straight_through(jnp.concatenate([z[..., :-1], last], -1))
        return with_gradient_of(z, hard.astype(z.dtype))
