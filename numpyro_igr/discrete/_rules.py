"""Which quadrature the discrete distribution of softmax++ takes."""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from numpyro_igr._host import not_jax_tracer
from numpyro_igr._numerics.checks import check_size

# A rule is "equal" or "similar", by the scales it is for, or so many panels of nodes.
Rule = str | tuple[int, int]
# The largest scale of a distribution over its least, up to which the rule for similar
# scales is known to be accurate, and up to which coarse panels are: beyond, narrow
# Gaussians could lie between two of their nodes.
SIMILAR, APART = 5.0, 20.0
COARSE, FINE = (16, 8), (64, 16)  # panels, and nodes in each
RULES: tuple[Rule, ...] = "equal", "similar", COARSE, FINE
# Nodes for equal scales, for similar ones, and how many more the latter take for each
# factor of 10 in the number of Gaussians, in each precision: the more narrow ones there
# are, the steeper is their maximum in a bulk that a wide one stretches. MORE is that
# number for equal scales.
SINGLE, DOUBLE, MORE = (22, 48, 11), (64, 96, 22), 4
# Up to so many numbers at all nodes, panels serve any scales: they cost less than the
# compilation of several rules. OF_FEW are these panels where the rule for similar
# scales would have more nodes than coarse ones.
FEW, OF_FEW = 2**12, (16, 12)
# XLA compares scales that are constants of a compiled function while it compiles, one
# by one, and takes about a second for so many. More are hidden from it until it runs.
LARGE = 2**20


def panels_of(num_panels: int | None, num_nodes: int | None) -> tuple[int, int] | None:
    """How many panels there are, and nodes in each, if either is asked for.

    Args:
        num_panels: as many as are asked for.
        num_nodes: likewise.

    Raises:
        TypeError: if one is no integer.
        ValueError: if one is not positive.
    """
    asked = {"num_panels": num_panels, "num_nodes": num_nodes}
    asked = {name: size for name, size in asked.items() if size is not None}
    check_size(**asked)
    return (num_panels or COARSE[0], num_nodes or COARSE[1]) if asked else None


def rule_for(scale: Array) -> Rule | None:
    """The rule for these scales: equal, similar, coarse or fine panels.

    Where they are traced, coarse in Pyro; in NumPyro None, to be chosen as it runs.

    Args:
        scale: standard deviations, of one entry if they are the same.
    """
    if scale.ndim == 0 or scale.shape[-1] == 1:
        return "equal"
    if not not_jax_tracer(scale):
        return None
    known = np.asarray(scale)
    if (known == known[..., :1]).all():
        return "equal"
    least, largest = known.min(-1), known.max(-1)
    if (largest <= SIMILAR * least).all():
        return "similar"
    return COARSE if (largest <= APART * least).all() else FINE


def rank_of(scale: Array) -> Array:
    """Which of the ``RULES`` it is, as it runs.

    Args:
        scale: standard deviations.
    """
    is_equal = (_as_it_runs(scale) == scale[..., :1]).all()
    tried = is_equal, are_within(SIMILAR, scale), are_within(APART, scale)
    return (~jnp.stack(tried)).sum()


def are_within(factor: float, scale: Array) -> Array:
    """Whether the scales of every distribution are within it of one another.

    Args:
        factor: the largest scale over the least.
        scale: standard deviations.
    """
    scale = _as_it_runs(scale)
    return (scale.max(-1) <= factor * scale.min(-1)).all()


def _as_it_runs(scale: Array) -> Array:
    scale = lax.stop_gradient(scale)
    return lax.optimization_barrier(scale) if scale.size > LARGE else scale


def nodes_of(rule: str, loc: Array, n: int) -> int:
    """How many nodes it takes.

    Args:
        rule: equal or similar.
        loc: means of the Gaussians.
        n: how many there are.
    """
    equal, similar, steeper = DOUBLE if loc.dtype == jnp.float64 else SINGLE
    digits = math.log10(n)
    if rule == "equal":
        return equal + MORE * int(digits)
    return similar + int(steeper * digits * (1 + digits))


def width_of(loc: Array, rule: Rule) -> int:
    """How many numbers a distribution has at the nodes of a rule.

    Args:
        loc: means of the Gaussians.
        rule: equal, similar, or panels and nodes in each.
    """
    n = loc.shape[-1]
    return n * (nodes_of(rule, loc, n) if isinstance(rule, str) else math.prod(rule))


def are_few(loc: Array) -> bool:
    """Whether there are few numbers at all the nodes of coarse panels.

    Args:
        loc: means of the Gaussians.
    """
    return width_of(loc, COARSE) * math.prod(loc.shape[:-1]) <= FEW


def panels_of_few(loc: Array) -> tuple[int, int]:
    """Coarse ones, unless the bulk of similar scales takes more nodes than they have.

    Args:
        loc: means of the Gaussians.
    """
    nodes = nodes_of("similar", loc, loc.shape[-1])
    return COARSE if nodes <= math.prod(COARSE) else OF_FEW


def are_common(log_probs: Array | np.ndarray) -> Array | np.ndarray:
    """Whether no category is so rare that its probability is an estimate.

    Args:
        log_probs: log probabilities, up to a constant.
    """
    span = log_probs.max(-1) - log_probs.min(-1)
    return (span < (34 if log_probs.dtype == jnp.float64 else 20)).all()
