"""The probabilities of a distribution of counts, as categories."""

import math
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution, constraints

from numpyro_igr._host import not_jax_tracer
from numpyro_igr._numerics.checks import check_size
from numpyro_igr._typed import Constraint
from numpyro_igr.distributions.recovering import is_masked

# The most counts to look through: arrays of more fill the memory, and a distribution of
# more has to be cut by num_sticks.
LARGEST_SEARCH = 2**16
# If a support ends here or before, each of its counts has a weight, so that their
# number stays the same while probabilities are trained. In longer supports rare counts,
# whose weights would underflow, are left to the rest.
SMALL_SUPPORT = 16

UNBOUNDED = (
    "expected num_sticks to be given where the distribution's parameters are drawn, "
    "trained or traced, and its support does not end at 16 or before"
)
UNKNOWN = (
    "expected num_sticks to be given where the distribution's parameters are drawn, "
    "trained or traced, or {}, which bounds its support, to be concrete and less than "
    "{}"
)
MASKED = (
    "expected a distribution of counts without a mask, which hides its probabilities: "
    "mask the distribution that is made of it"
)


def log_pmf(dist: Distribution, num_sticks: int | None = None) -> Array:
    r"""Log probabilities of 0, 1, .. n-1, and of everything from n on.

    Of a distribution of finite support the last is that of n itself, if n is its
    largest value.

    Shape:
        result ``batch + (n + 1,)``, for a distribution of shape ``batch``.

    Args:
        dist: any distribution of the host on the non-negative integers.
        num_sticks: n; None for the largest count if that is at most 16, and else for
            the least beyond which there is less mass than the precision of its
            probabilities, for which its parameters must be concrete.

    Raises:
        TypeError: if the distribution is none of the host, or ``num_sticks`` no
            integer.
        ValueError: if the distribution is masked or not on the non-negative integers,
            ``num_sticks`` is not positive, or it is None and there is no such n, or not
            below 2^15.
    """
    if not isinstance(dist, Distribution):
        raise TypeError(f"expected a distribution of counts, got {dist!r}")
    if is_masked(dist):
        raise ValueError(MASKED)
    if num_sticks is not None:
        check_size(num_sticks=num_sticks)
    _, upper = _bounds(dist)
    n = _default_num_sticks(dist) if num_sticks is None else num_sticks
    log_probs = _log_probs(dist, n + 1)
    if not (not_jax_tracer(upper) and np.all(np.asarray(upper) <= n)):
        beyond = 1 - jnp.exp(log_probs[..., :n]).sum(-1, keepdims=True)
        beyond = jnp.maximum(beyond, jnp.finfo(beyond.dtype).eps)
        log_probs = jnp.concatenate([log_probs[..., :n], jnp.log(beyond)], -1)
    return jnp.maximum(log_probs, math.log(jnp.finfo(log_probs.dtype).tiny))


def _bounds(dist: Distribution) -> tuple[Array | float, Array | float]:
    support = cast(Constraint, dist.support)
    largest = 1 if support is constraints.boolean else math.inf
    lower = getattr(support, "lower_bound", 0)
    is_below = not_jax_tracer(lower) and np.any(np.asarray(lower) < 0)
    if dist.event_shape or not support.is_discrete or is_below:
        raise ValueError(
            "expected a distribution on the non-negative integers, got "
            f"{type(dist).__name__} on {support}"
        )
    return lower, getattr(support, "upper_bound", largest)


def _log_probs(dist: Distribution, size: int) -> Array:
    """Of 0 .. size-1, as a last dimension; -inf outside the support."""
    lower, upper = _bounds(dist)
    counts = jnp.arange(size).reshape(-1, *[1] * len(dist.batch_shape))
    upper = jnp.minimum(upper, size).astype(counts.dtype)
    is_inside = (counts >= lower) & (counts <= upper)
    inside = jnp.clip(counts, lower, upper)
    log_probs = jnp.where(is_inside, dist.log_prob(inside), -math.inf)
    return jnp.moveaxis(log_probs, 0, -1)


def _default_num_sticks(dist: Distribution) -> int:
    largest = _largest_count(dist)
    if largest <= SMALL_SUPPORT:
        return max(int(largest), 1)
    return _least_num_sticks(dist)


def _least_num_sticks(dist: Distribution) -> int:
    size, largest = 64, _largest_count(dist)
    while size <= LARGEST_SEARCH:
        with jax.ensure_compile_time_eval():
            log_probs = _log_probs(dist, size)
        is_traced = not not_jax_tracer(log_probs)
        if is_traced and largest < math.inf:
            return int(largest)
        if is_traced:
            raise _without_number(dist)
        left = np.exp(np.asarray(log_probs))[..., ::-1].cumsum(-1)[..., ::-1]
        n = int(_largest((left > np.finfo(left.dtype).eps).sum(-1)))
        if n <= size // 2 and (left[..., 0] > 0.9).all():
            return max(int(min(n, largest)), 1)
        size *= 4
    raise ValueError(
        "expected num_sticks to be given, since the mass of the distribution beyond "
        f"{LARGEST_SEARCH // 2} is not negligible"
    )


def _without_number(dist: Distribution) -> ValueError:
    """An error about the argument whose value would bound the counts."""
    upper = _bounds(dist)[1]
    if isinstance(upper, float):
        return ValueError(UNBOUNDED)
    name = next((n for n, x in vars(dist).items() if x is upper), "the largest count")
    return ValueError(UNKNOWN.format(name, LARGEST_SEARCH // 2))


def _largest(values: ArrayLike) -> float:
    return np.max(values) if np.size(values) else 1


def _largest_count(dist: Distribution) -> float:
    """That of a bounded support, for any parameters; inf if it is not known."""
    _, upper = _bounds(dist)
    is_small = not_jax_tracer(upper) and np.all(np.asarray(upper) < LARGEST_SEARCH // 2)
    return float(_largest(np.asarray(upper))) if is_small else math.inf
