"""Values that are truncated where their weights exceed rho."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from numpyro_igr._host import not_jax_tracer
from numpyro_igr.discrete import num_active, truncate
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.stick_breaking import AT_ONE
from numpyro_igr.transforms import StickBreakingTransform

Shape = tuple[int, ...]


class Truncated(GaussianPushforward):
    """The image of y, of which the weights beyond rho are joined to the rest."""

    rho: Array

    @property
    def unit_map(self) -> StickBreakingTransform | None:
        is_one = not_jax_tracer(self.rho) and np.all(np.asarray(self.rho) == 1)
        return AT_ONE if is_one else None

    @property
    def unit_shift(self) -> Array:
        return 0 * self.temperature

    def sample(self, key: Array, sample_shape: Shape = ()) -> Array:
        return truncate(super().sample(key, sample_shape), self.rho)

    def log_prob(self, value: Array, intermediates: list[Any] | None = None) -> Array:
        log_prob = super().log_prob(value)
        is_whole = num_active(value, self.rho) >= self.event_shape[0] - 1
        return jnp.where(is_whole, log_prob, -jnp.inf)
