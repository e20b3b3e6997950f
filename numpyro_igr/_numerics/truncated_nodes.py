"""Nodes to integrate between bounds, and over the part of a Gaussian below one."""

import math
from functools import cache

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

# Beyond it a Gaussian has 1e-9 of its mass, and e^-18 of its largest density.
REACH = 6.0


def nodes_below(
    loc: Array, scale: Array, upper: Array, lower: Array, num_nodes: int
) -> tuple[Array, Array]:
    r"""Gauss-Legendre nodes y in the part of a Gaussian between two bounds.

    The interval ends where the density has fallen by :math:`e^{-18}` from its largest
    value below ``upper``, however far in the tail that bound is, and the nodes are
    denser there. The nodes carry no gradient; the weights are differentiable in
    ``loc`` and ``scale``.

    Shape:
        ``loc``, ``scale``, ``upper``, ``lower``: ``batch``; nodes and the logs of
        weight times density: ``batch + (num_nodes,)``. An empty interval weighs next to
        nothing.
    """
    mean, deviation = lax.stop_gradient((loc, scale))
    top = jnp.minimum(upper, mean + REACH * deviation)
    u = (top - mean) / deviation
    tail = REACH**2 / (jnp.sqrt(u**2 + REACH**2) - jnp.minimum(u, 0))
    length = deviation * jnp.where(u < 0, tail, u + REACH)
    length = jnp.minimum(length, jnp.maximum(top - lower, 0))[..., None]
    x, weights = gauss_legendre(num_nodes)
    y = top[..., None] - length * jnp.asarray(x**2, loc.dtype)
    length = jnp.maximum(length, jnp.finfo(length.dtype).tiny)
    log_dy = jnp.log(length) + jnp.asarray(np.log(2 * x * weights), loc.dtype)
    loc, scale = loc[..., None], scale[..., None]
    log_density = -0.5 * ((y - loc) / scale) ** 2 - jnp.log(scale)
    return y, log_density + log_dy - 0.5 * math.log(2 * math.pi)


def nodes_between(low: Array, high: Array, num_nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and log weights between two bounds.

    An empty interval weighs next to nothing, and has finite derivatives.

    Shape:
        ``low``, ``high``: ``batch``; results ``(num_nodes,) + batch``.
    """
    length = high - low
    x, weights = (v.reshape(-1, *[1] * length.ndim) for v in gauss_legendre(num_nodes))
    t = low + length * jnp.asarray(x, length.dtype)
    log_length = jnp.log(jnp.maximum(length, jnp.finfo(length.dtype).tiny))
    return t, log_length + jnp.asarray(np.log(weights), length.dtype)


@cache
def gauss_legendre(num_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (0, 1) and weights that sum to 1."""
    x, weights = np.polynomial.legendre.leggauss(num_nodes)
    return (x + 1) / 2, weights / 2
