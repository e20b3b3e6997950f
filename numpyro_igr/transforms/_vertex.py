"""Interpolation of stick-breaking weights to the nearest vertex (eq. 17)."""

import math

import jax.numpy as jnp
from jax import Array

from numpyro_igr._numerics.largest import is_first_largest
from numpyro_igr.transforms._sticks import log_weights, logits_of_sticks
from numpyro_igr.transforms._tempering import TemperedMap


class Vertex(TemperedMap):
    r"""Towards the nearest vertex: z = tau w + (1 - tau) e_argmax(w), tau <= 1.

    The image is K copies of the cells :math:`\{\arg\max w = k\}`, shrunken by tau
    towards their vertices. The map jumps between cells, so density and KL are right
    but pathwise gradients miss the jumps: they are biased for tau < 1.
    """

    fills_simplex = False
    max_temperature = 1.0

    def to_log(self, y: Array, tau: Array) -> Array:
        log_w = log_weights(y)
        nearest = jnp.log1p(tau * jnp.expm1(log_w))
        return jnp.where(is_first_largest(log_w), nearest, jnp.log(tau) + log_w)

    def from_log(self, log_z: Array, tau: Array) -> Array:
        inside = self.contains(jnp.exp(log_z), tau)
        log_w = _log_weights_of(log_z, tau)
        inside = inside[..., None] & jnp.isfinite(log_w).all(-1, keepdims=True)
        y = logits_of_sticks(jnp.where(inside, log_w, -math.log(log_w.shape[-1])))
        return jnp.where(inside, y, jnp.nan)

    def log_det(self, y: Array, log_z: Array, tau: Array) -> Array:
        return log_weights(y).sum(-1) + y.shape[-1] * jnp.log(tau).squeeze(-1)

    def contains(self, z: Array, tau: Array) -> Array:
        largest = is_first_largest(z)
        w = jnp.where(largest, z - (1 - tau), z) / tau
        nearest = jnp.where(largest, w, -jnp.inf).max(-1, keepdims=True)
        tolerance = jnp.finfo(z.dtype).eps ** 0.5
        inside = ((w > -tolerance) & (w < nearest + tolerance)).all(-1)
        return inside & (jnp.abs(z.sum(-1) - 1) < tolerance)


def _log_weights_of(log_z: Array, tau: Array) -> Array:
    change = jnp.expm1(log_z) / tau
    is_positive = change > -1
    nearest = jnp.log1p(jnp.where(is_positive, change, 0.0))
    nearest = jnp.where(is_positive, nearest, -jnp.inf)
    return jnp.where(is_first_largest(log_z), nearest, log_z - jnp.log(tau))
