"""Log probabilities of categories, some of which may be impossible."""

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import log_softmax
from jax.typing import ArrayLike
from numpyro.distributions import Distribution, constraints

from numpyro_igr._host import is_validated, not_jax_tracer, promote_shapes
from numpyro_igr._numerics.checks import refuse_complex
from numpyro_igr._numerics.precision import at_least_single
from numpyro_igr._numerics.shapes import check_vectors
from numpyro_igr._typed import Constraint
from numpyro_igr.distributions._parameters import to_float
from numpyro_igr.distributions._rounding import absorb_rounding


def is_possible(logits: Array) -> Array:
    """Whether each category of normalised log probabilities has any probability.

    That of NaN is unknown and so goes on, rather than being taken for none.
    """
    return ~(logits <= jnp.finfo(logits.dtype).min)


def categorical_logits(
    probs: ArrayLike | None, logits: ArrayLike | None, dist: Distribution
) -> Array:
    """Normalised log probabilities from one of ``probs`` and ``logits``.

    The logarithm of a probability of 0 is the smallest finite number, so that 0 times
    it is 0, in the gradients as well.
    """
    if (probs is None) == (logits is None):
        raise ValueError("expected exactly one of probs and logits")
    given = {"probs": probs} if logits is None else {"logits": logits}
    refuse_complex(**cast(dict[str, ArrayLike], given))
    check_vectors(**cast(dict[str, Array], given))
    if logits is not None:
        _check("logits", logits, constraints.real_vector, dist)
        return _normalised(jnp.asarray(logits, jnp.result_type(logits, float)))
    probs = cast(Array, probs)
    _check("probs", absorb_rounding(probs), constraints.simplex, dist)
    return _log(jnp.asarray(probs))


# Each is compiled as one program, also where it is called outside of jit.
@jax.jit
def _normalised(logits: Array) -> Array:
    log_probs = log_softmax(logits, -1)
    return jnp.maximum(log_probs, jnp.finfo(log_probs.dtype).min)


@jax.jit
def _log(probs: Array) -> Array:
    is_zero = probs <= 0
    log_probs = jnp.log(jnp.where(is_zero, 1.0, probs))
    return jnp.where(is_zero, jnp.finfo(log_probs.dtype).min, log_probs)


def with_temperature(temperature: ArrayLike, logits: Array) -> tuple[Array, Array]:
    """A temperature and logits, in one batch."""
    refuse_complex(temperature=temperature)
    shapes = jnp.shape(temperature), logits.shape[:-1]
    try:
        batch = jnp.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ValueError(
            "expected the shape of temperature to broadcast with the batch of "
            f"categories, got {shapes[0]} and {shapes[1]}"
        ) from error
    dtype = at_least_single(logits)  # as the noise
    (temperature,) = promote_shapes(to_float(temperature, dtype), shape=batch)
    return temperature, jnp.broadcast_to(logits, batch + logits.shape[-1:])


# Before any arithmetic, which would trace constants under jit and so hide them; by
# NumPy, so that it compiles nothing.
def _check(
    name: str, value: ArrayLike, constraint: Constraint, dist: Distribution
) -> None:
    if not is_validated(dist) or not not_jax_tracer(value):
        return
    if not np.all(constraint(np.asarray(value))):
        family = type(dist).__name__
        raise ValueError(f"{family} distribution got invalid {name} parameter.")
