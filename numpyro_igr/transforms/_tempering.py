"""How a temperature acts on a broken stick: on sticks, weights, or by softmax++.

Throughout, ``w = SB(sigmoid(y))`` are the n = K-1 broken weights and the rest, without
the shift of y by which the hosts' stick-breaking makes them equal at y = 0, and ``tau``
is the temperature, with a last dimension of 1. A fourth map, eq. 17, is in ``_vertex``.
"""

import math
from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array
from jax.nn import log_softmax
from numpyro.distributions import constraints

from numpyro_igr.transforms._sticks import log_weights, logits_of_sticks


class TemperedMap:
    """Base of the four maps from y to z, by ``to_log``, ``from_log`` and ``log_det``.

    Where the image is not the whole simplex, ``fills_simplex`` is False and
    ``contains(z, tau)`` says which points of the simplex are in it.
    """

    fills_simplex: ClassVar[bool] = True
    max_temperature: ClassVar[float] = math.inf

    def to_log(self, y: Array, tau: Array) -> Array:
        raise NotImplementedError

    def from_log(self, log_z: Array, tau: Array) -> Array:
        raise NotImplementedError

    def log_det(self, y: Array, log_z: Array, tau: Array) -> Array:
        return log_z.sum(-1) - y.shape[-1] * jnp.log(tau).squeeze(-1)

    def contains(self, z: Array, tau: Array) -> Any:
        return constraints.simplex(z)


class Sticks(TemperedMap):
    """Inside every sigmoid: z = SB(sigmoid(y / tau))."""

    def to_log(self, y: Array, tau: Array) -> Array:
        return log_weights(y / tau)

    def from_log(self, log_z: Array, tau: Array) -> Array:
        return tau * logits_of_sticks(log_z)


class Weights(TemperedMap):
    """On the weights: z = softmax(log w / tau)."""

    def to_log(self, y: Array, tau: Array) -> Array:
        return log_softmax(log_weights(y) / tau, -1)

    def from_log(self, log_z: Array, tau: Array) -> Array:
        return logits_of_sticks(tau * log_z)


class SoftmaxPlusPlus(TemperedMap):
    """By softmax++ of the first n weights, eq. 18: z = softmax([w / tau, 0])."""

    fills_simplex = False

    def to_log(self, y: Array, tau: Array) -> Array:
        scaled = jnp.exp(log_weights(y)[..., :-1]) / tau
        last = jnp.zeros_like(scaled[..., :1])
        return log_softmax(jnp.concatenate([scaled, last], -1), -1)

    def from_log(self, log_z: Array, tau: Array) -> Array:
        w = tau * (log_z[..., :-1] - log_z[..., -1:])
        w = jnp.concatenate([w, 1 - w.sum(-1, keepdims=True)], -1)
        inside = (w >= jnp.finfo(w.dtype).tiny).all(-1, keepdims=True)
        y = logits_of_sticks(jnp.log(jnp.where(inside, w, 1 / w.shape[-1])))
        return jnp.where(inside, y, jnp.nan)

    def log_det(self, y: Array, log_z: Array, tau: Array) -> Array:
        return super().log_det(y, log_z, tau) + log_weights(y).sum(-1)

    def contains(self, z: Array, tau: Array) -> Array:
        precision = jnp.finfo(z.dtype)
        log_z = jnp.log(jnp.maximum(z, precision.tiny))
        w = tau * (log_z[..., :-1] - log_z[..., -1:])
        tolerance = precision.eps**0.5
        inside = (w > -tolerance).all(-1) & (w.mean(-1) < 1 / w.shape[-1] + tolerance)
        return inside & (jnp.abs(z.sum(-1) - 1) < tolerance)
