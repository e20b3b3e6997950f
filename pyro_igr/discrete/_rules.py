"""Which quadrature the discrete distribution of softmax++ takes."""

import math

import torch
from torch import Tensor

from pyro_igr._host import is_all_true, is_compiling, is_tracing
from pyro_igr._numerics.checks import check_size

# A rule is "equal" or "similar", by the scales it is for, or so many panels of nodes.
Rule = str | tuple[int, int]
# The largest scale of a distribution over its least, up to which the rule for similar
# scales is known to be accurate, and up to which coarse panels are: beyond, narrow
# Gaussians could lie between two of their nodes.
SIMILAR, APART = 5.0, 20.0
COARSE, FINE = (16, 8), (64, 16)  # panels, and nodes in each
# Nodes for equal scales, for similar ones, and how many more the latter take for each
# factor of 10 in the number of Gaussians, in each precision: the more narrow ones there
# are, the steeper is their maximum in a bulk that a wide one stretches. MORE is that
# number for equal scales.
SINGLE, DOUBLE, MORE = (22, 48, 11), (64, 96, 22), 4


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


def rule_for(scale: Tensor) -> Rule:
    """The rule for these scales: equal, similar, coarse or fine panels.

    Where they are traced, coarse in Pyro; in NumPyro None, to be chosen as it runs.

    Args:
        scale: standard deviations, of one entry if they are the same.
    """
    if not scale.dim() or scale.shape[-1] == 1 or scale.stride(-1) == 0:
        return "equal"
    if is_tracing() or is_compiling():
        return COARSE
    if is_all_true(scale == scale[..., :1]):
        return "equal"
    if are_within(SIMILAR, scale):
        return "similar"
    return COARSE if are_within(APART, scale) else FINE


def are_within(factor: float, scale: Tensor) -> bool:
    """Whether the scales of every distribution are within it of one another.

    Args:
        factor: the largest scale over the least.
        scale: standard deviations.
    """
    return bool(is_all_true(scale.amax(-1) <= factor * scale.amin(-1)))


def nodes_of(rule: str, loc: Tensor, n: int) -> int:
    """How many nodes it takes.

    Args:
        rule: equal or similar.
        loc: means of the Gaussians.
        n: how many there are.
    """
    equal, similar, steeper = DOUBLE if loc.dtype == torch.float64 else SINGLE
    digits = math.log10(n)
    if rule == "equal":
        return equal + MORE * int(digits)
    return similar + int(steeper * digits * (1 + digits))


def width_of(loc: Tensor, rule: Rule) -> int:
    """How many numbers a distribution has at the nodes of a rule.

    Args:
        loc: means of the Gaussians.
        rule: equal, similar, or panels and nodes in each.
    """
    n = loc.shape[-1]
    return n * (nodes_of(rule, loc, n) if isinstance(rule, str) else math.prod(rule))


def are_common(log_probs: Tensor) -> bool:
    """Whether no category is so rare that its probability is an estimate.

    Args:
        log_probs: log probabilities, up to a constant.
    """
    if is_tracing() or is_compiling():
        return False
    span = log_probs.amax(-1) - log_probs.amin(-1)
    return bool(is_all_true(span < (34 if log_probs.dtype == torch.float64 else 20)))
