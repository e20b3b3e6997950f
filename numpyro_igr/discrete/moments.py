"""The means for which a relaxed value has a given mean (eq. 14)."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import softmax
from jax.typing import ArrayLike

from numpyro_igr._numerics.antithetic_noise import antithetic_noise, check_pairs
from numpyro_igr._numerics.checks import check_positive
from numpyro_igr._numerics.newton import damped_newton, implicit_root
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr.discrete._check_probs import check_probs
from numpyro_igr.discrete.matching import match_log_probs


def match_moments(
    probs: Array,
    temperature: ArrayLike,
    scale: ArrayLike = 1.0,
    delta: ArrayLike = 1.0,
    num_samples: int = 10_000,
) -> tuple[Array, Array]:
    r"""The parameters at which the mean of the relaxed value is ``probs``.

    .. math::
        \mu = \arg\min_\mu \| E z - p \|^2, \quad
        z = \text{softmax}([y / \tau, \log \delta]), \quad y \sim N(\mu, \sigma^2)

    at the given scale. :math:`\tau E \log (\delta + \sum_k e^{y_k / \tau})` is strictly
    convex with gradient E z, so that every interior point of the simplex is the mean of
    exactly one distribution. The expectation is over a fixed antithetic sample, and the
    solution by damped Newton steps from that of ``match_probs``, which it tends to as
    the temperature falls; differentiable by the implicit function theorem, three times.

    At a high temperature the discrete distribution of the result is not ``probs``: for
    priors prefer ``from_probs``.

    Shape:
        ``probs``: ``batch + (K,)``; ``temperature``, ``delta``: ``batch`` or plain
        numbers; ``scale``: ``batch + (K-1,)`` or a plain number; results
        ``batch + (K-1,)``.

    Args:
        probs: the mean to match, all entries positive; weights are normalised.
        temperature: :math:`\tau`, positive.
        scale: standard deviations of the Gaussians, positive.
        delta: weight of category K, positive.
        num_samples: size of the sample, even.

    Returns:
        ``loc`` and ``scale``, as the constructor of ``IGR`` takes them.

    Raises:
        ValueError: if ``temperature``, ``scale``, ``delta`` or an entry of ``probs``
            is not positive, or ``num_samples`` not positive and even.

    Accuracy:
        The mean is met to 0.01 (temperatures from 0.01 to 1); the error falls with the
        square root of ``num_samples``.
    Source:
        IGR (Potapczynski et al., 2020), eq. 14, which as printed,
        :math:`E \| z - p \|^2`, is least for the point mass at p: its scale falls to 0.
        Hence the distance of the means, at a scale that is given.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from numpyro_igr import IGR, match_moments
        >>> loc, scale = match_moments(jnp.array([0.5, 0.3, 0.2]), temperature=0.5)
        >>> z = IGR(0.5, loc, scale).sample(jax.random.key(0), (10_000,))
        >>> print(f"{z.mean(0)[0]:.1f}")
        0.5
    """
    check_probs(probs)
    check_positive(temperature=temperature, scale=scale, delta=delta)
    check_pairs(num_samples)
    (probs, temperature, scale, delta), dtype = in_full_precision(
        probs, temperature, scale, delta
    )
    # Not within, where it would not know its arguments, and compile for any.
    given = lax.stop_gradient((jnp.log(probs), scale))
    start = match_log_probs(*given, validate_args=False)
    found = _match_moments(probs, temperature, scale, delta, start, num_samples)
    return jax.tree.map(lambda x: x.astype(dtype), found)


@partial(jax.jit, static_argnames="num_samples")
def _match_moments(
    probs: Array,
    temperature: Array,
    scale: Array,
    delta: Array,
    start: Array,
    num_samples: int,
) -> tuple[Array, Array]:
    target = probs / probs.sum(-1, keepdims=True)
    n = target.shape[-1] - 1
    batch = jnp.broadcast_shapes(
        target.shape[:-1], scale.shape[:-1], temperature.shape, delta.shape
    )
    target = jnp.broadcast_to(target, (*batch, n + 1))
    scale = jnp.broadcast_to(scale, (*batch, n))
    noise = antithetic_noise(num_samples, target[..., 1:])
    given = target, scale, temperature[..., None], delta[..., None], noise
    fixed = lax.stop_gradient(given)
    loc = damped_newton(
        lambda loc: _residual_and_jacobian(loc, *fixed),
        jnp.broadcast_to(start, (*batch, n)),
        error_of=_error,
    )
    return implicit_root(loc, _residual_and_jacobian, *given), scale


def _error(excess: Array) -> Array:
    rounding = 10 * jnp.finfo(excess.dtype).eps
    return abs(excess).max(-1, keepdims=True) / rounding


def _residual_and_jacobian(
    loc: Array,
    target: Array,
    scale: Array,
    temperature: Array,
    delta: Array,
    noise: Array,
) -> tuple[Array, Array]:
    r"""Excess of the mean of z, and its derivatives in the means of y.

    The derivatives are :math:`\tau^{-1} E[z_j (1_{j = k} - z_k)]`; a tiny diagonal
    keeps them invertible where entries of z underflow in the whole sample.
    """
    alr = (loc + scale * noise) / temperature - jnp.log(delta)
    last = jnp.zeros_like(alr[..., :1])
    z = softmax(jnp.concatenate([alr, last], -1), -1)[..., :-1]
    mean = z.mean(0)
    products = jnp.einsum("m...j,m...k->...jk", z, z) / len(z)
    identity = jnp.eye(z.shape[-1], dtype=z.dtype)
    jacobian = (identity * mean[..., None] - products) / temperature[..., None]
    return mean - target[..., :-1], jacobian + jnp.finfo(z.dtype).eps * identity
