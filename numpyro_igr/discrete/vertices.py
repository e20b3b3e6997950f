"""Vertices of the simplex with gradients: of a relaxed point, or of logits."""

import math

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_softmax, softmax
from jax.typing import ArrayLike

from numpyro_igr._numerics.checks import check_positive, refuse_complex
from numpyro_igr._numerics.largest import is_first_largest
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._numerics.shapes import check_vectors


def straight_through(z: Array) -> Array:
    r"""One-hot at the largest entry of z, with the gradient of z.

    The straight-through estimator, for relaxed values such as those of ``rsample``.

    .. math:: e_{\arg\max z} + (z - \text{stop\_gradient}(z))

    The largest entry has the probabilities ``.probs`` at any temperature in an ``IGR``
    or ``IGRFlow`` with delta 1, a Gumbel-Softmax, and an ``IGRStickBreaking`` with
    tempering "weights", "softmax++" or "vertex". With "sticks", the default, or another
    delta it has them in the limit of temperature 0 only: of ten equally probable sticks
    at temperature 1, the first is the largest in 40 % of the samples. There draw from
    ``RaoBlackwellized``, of ``IGR`` and "sticks".

    Shape:
        ``batch + (K,)``, input and result.

    Args:
        z: points of the simplex.

    Raises:
        TypeError: if ``z`` is complex.
        ValueError: if it is a number, or has no entries.

    Source:
        Bengio, Leonard and Courville (2013); IGR (Potapczynski et al., 2020), section
        3.3.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import straight_through
        >>> straight_through(jnp.array([0.2, 0.7, 0.1]))
        Array([0., 1., 0.], dtype=float32)
    """
    refuse_complex(z=z)
    check_vectors(z=z)
    if z.shape[-1] == 0:
        raise ValueError(f"expected z to have K >= 1 entries, got shape {(*z.shape,)}")
    (z,), dtype = in_full_precision(z)
    return _nearest(z).astype(dtype)


# In one piece, so that the index within is seen to have a gradient around it.
@jax.custom_jvp
def _nearest(z: Array) -> Array:
    return _vertex(z)


@_nearest.defjvp
def _as_of_z(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return _nearest(*primals), *tangents


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _vertex(z: Array) -> Array:
    hard = is_first_largest(z).astype(z.dtype)
    return jnp.where(jnp.isnan(z), jnp.nan, hard)


def reinmax(
    z: Array,
    logits: Array,
    temperature: ArrayLike = 1.0,
    *,
    validate_args: bool | None = None,
) -> Array:
    r"""A one-hot sample with a gradient of second order in the logits: ReinMax.

    .. math::
        z + (x - \text{stop\_gradient}(x)), \qquad x = 2 p_1 - p_0 / 2

    with :math:`p_0` the softmax of the logits, and :math:`p_1` that of logits to which
    constants are added, such that it is the mean of z and of the softmax of logits /
    temperature. For z drawn with :math:`p_0` and a temperature of 1 the mean gradient
    is exact where what follows is quadratic in z, that of straight-through where it is
    linear. There is no gradient in the temperature.

    Shape:
        ``z`` and result: ``sample + batch + (K,)``; ``logits``: ``batch + (K,)``;
        ``temperature``: ``batch`` or a plain number.

    Args:
        z: one-hot, drawn with the probabilities of the logits.
        logits: log probabilities up to a constant.
        temperature: positive, of the gradient alone.
        validate_args: whether to check ranges; the host's default if None.

    Raises:
        TypeError: if an argument is complex.
        ValueError: if ``temperature`` is not positive.

    Source:
        Liu, Dong, Liu, Yu and Gao (2023), algorithm 2, in logarithms.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from numpyro_igr.discrete import reinmax
        >>> z = jnp.array([1.0, 0.0])
        >>> jax.grad(lambda logits: reinmax(z, logits)[0])(jnp.zeros(2))
        Array([ 0.25, -0.25], dtype=float32)
    """
    refuse_complex(z=z, logits=logits)
    check_positive(temperature=temperature, validate_args=validate_args)
    (z, logits, temperature), dtype = in_full_precision(z, logits, temperature)
    return _reinmax(z, logits, temperature).astype(dtype)


@jax.jit
def _reinmax(z: Array, logits: Array, temperature: Array) -> Array:
    logits = jnp.maximum(log_softmax(logits, -1), jnp.finfo(logits.dtype).min)
    fixed = lax.stop_gradient(logits)
    tempered = log_softmax(fixed / lax.stop_gradient(temperature)[..., None], -1)
    log_mean = jnp.logaddexp(jnp.log(z), tempered) - math.log(2)
    mean = softmax(lax.stop_gradient(log_mean) + (logits - fixed), -1)
    x = 2 * mean - softmax(logits, -1) / 2
    return with_gradient_of(x, z)


@jax.custom_jvp
def with_gradient_of(x: Array, value: Array) -> Array:
    r"""The value, with the gradient of x: NaN where x is.

    .. math:: \text{value} + (x - \text{stop\_gradient}(x))

    Shape:
        ``x``, ``value`` and result: equal.

    Args:
        x: what has the gradient.
        value: what is returned, as x has its shape and dtype.
    """
    return jnp.where(jnp.isnan(x), jnp.nan, value)


@with_gradient_of.defjvp
def _as_of_x(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple:
    return with_gradient_of(*primals), tangents[0]
