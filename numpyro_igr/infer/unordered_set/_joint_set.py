"""The one-hot sites of a guide as the variables of one joint configuration."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpyro.distributions import Distribution

from numpyro_igr.discrete import draw_set, leave_one_out_weights, set_weights
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.infer._joint_values import from_rows, order_of

LEAST_LOG_PROB = -1e4


def draw_joint_set(
    dists: dict[str, Distribution],
    plates: tuple[int, ...],
    num_samples: int,
    draw_gumbels: Callable,
) -> dict[str, Array]:
    """Distinct joint values of one-hot variables, a set for each element of the plates.

    Args:
        dists: by site, independent of one another, with the wrappers of the host.
        plates: dimensions of their batches, counted from the right.
        num_samples: size of a set, unless there are fewer values.
        draw_gumbels: Gumbel variables of a shape, and of the type of an array.

    Returns:
        Values by site, each like a sample of that size.
    """
    rows = [lax.stop_gradient(_to_rows(dist, plates)) for dist in dists.values()]
    count = math.prod(row.shape[-1] ** row.shape[-2] for row in rows)
    size, width = min(num_samples, count), max(row.shape[-1] for row in rows)
    rows = [_pad(row, width) for row in rows]
    table = jnp.concatenate(rows, -2)
    codes = draw_set(table, draw_gumbels((*table.shape[:-1], size, width), table))
    ends = np.cumsum([row.shape[-2] for row in rows])[:-1]
    parts = jnp.split(codes, ends, -1)
    return {
        name: from_rows(part, dist, plates)
        for (name, dist), part in zip(dists.items(), parts, strict=True)
    }


def elbo_and_score(f: Array, log_q: Array, *, replacement: bool) -> tuple[Array, Array]:
    """The estimate of an ELBO, and a term that adds the score to its gradient.

    Args:
        f: log p - log q of S samples in elements of plates, of shape ``(S,) + batch``.
        log_q: joint log probabilities of the samples, of the same shape.
        replacement: whether they were drawn with replacement.
    """
    weigh = leave_one_out_weights if replacement else set_weights
    weights, baselines = weigh(lax.stop_gradient(log_q))
    # Of samples that are impossible, which only sets of everything hold.
    is_possible = ~(log_q <= jnp.finfo(log_q.dtype).min / 2)  # or NaN
    f, log_q = (jnp.where(is_possible, x, 0.0) for x in (f, log_q))
    fixed = lax.stop_gradient(f)
    centred = fixed - (baselines * fixed).sum(1)
    return (weights * f).sum(), (weights * centred * log_q).sum()


def _pad(row: Array, width: int) -> Array:
    missing = [(0, 0)] * (row.ndim - 1) + [(0, width - row.shape[-1])]
    return jnp.pad(row, missing, constant_values=-jnp.inf)


def _to_rows(dist: Distribution, plates: tuple[int, ...]) -> Array:
    """Log probabilities of the variables of a distribution, one a row, in each plate.

    Those below a floor are raised to it: an impossible category is still a category.
    """
    shape = dist.batch_shape + dist.event_shape
    table = jnp.broadcast_to(jnp.maximum(innermost(dist).logits, LEAST_LOG_PROB), shape)
    table = table.reshape(*dist.batch_shape, -1, shape[-1])
    order = order_of(dist, plates)
    table = table.transpose(*order, len(order), len(order) + 1)
    return table.reshape(*table.shape[: len(plates)], -1, shape[-1])
