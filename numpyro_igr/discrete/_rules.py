"""Which quadrature the discrete distribution of softmax++ takes."""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import DTypeLike

from numpyro_igr._host import not_jax_tracer

# The largest scale over the least, of one distribution, up to which the nodes are
# known to be enough; beyond, and for a rule that is asked for, there are panels.
SIMILAR = 5.0
# How many there are, for equal scales and for similar ones.
SINGLE, DOUBLE = (32, 64), (64, 96)
NUM_PANELS, NUM_NODES = 16, 8
# If the scales are a constant of a compiled function, XLA compares them as it compiles,
# one by one: for so many in about a second.
LARGE = 2**20


def rule_for(scale: Array) -> str | None:
    """The rule for these scales: equal, similar or panels.

    Where they are traced, panels in Pyro; in NumPyro None, to be chosen as it runs.

    Args:
        scale: standard deviations, of one entry if they are the same.
    """
    if scale.ndim == 0 or scale.shape[-1] == 1:
        return "equal"
    if not not_jax_tracer(scale):
        return None
    known = np.asarray(scale)
    if not (known.max(-1) <= SIMILAR * known.min(-1)).all():
        return "panels"
    return "equal" if (known == known[..., :1]).all() else "similar"


def are_similar(scale: Array) -> Array:
    """Whether the scales of every distribution are.

    Args:
        scale: standard deviations.
    """
    if scale.size > LARGE:
        scale = lax.optimization_barrier(lax.stop_gradient(scale))
    return (scale.max(-1) <= SIMILAR * scale.min(-1)).all()


def nodes_of(rule: str, dtype: DTypeLike) -> int:
    """How many nodes it takes.

    Args:
        rule: equal or similar.
        dtype: of the arrays.
    """
    equal, similar = DOUBLE if dtype == jnp.float64 else SINGLE
    return equal if rule == "equal" else similar


def width_of(loc: Array, rule: str, panels: tuple[int, int]) -> int:
    """How many numbers a distribution has at the nodes of a rule.

    Args:
        loc: means of the Gaussians.
        rule: equal, similar or panels.
        panels: how many there are, and nodes in each.
    """
    is_bulk = rule != "panels"
    return loc.shape[-1] * (nodes_of(rule, loc.dtype) if is_bulk else math.prod(panels))


def are_common(log_probs: Array | np.ndarray) -> Array | np.ndarray:
    """Whether no category is so rare that its probability is an estimate.

    Args:
        log_probs: log probabilities, up to a constant.
    """
    span = log_probs.max(-1) - log_probs.min(-1)
    return (span < (34 if log_probs.dtype == jnp.float64 else 20)).all()
