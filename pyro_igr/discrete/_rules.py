"""Which quadrature the discrete distribution of softmax++ takes."""

import math

import torch
from torch import Tensor

from pyro_igr._host import is_all_true, is_compiling, is_tracing
from pyro_igr._numerics.checks import check_size

# The largest scale over the least, of one distribution, up to which the nodes are
# known to be enough; beyond, and for a rule that is asked for, there are panels.
SIMILAR = 5.0
# How many there are, for equal scales and for similar ones, and more for each factor of
# 10 in the number of Gaussians, whose maximum is the steeper.
SINGLE, DOUBLE, MORE = (22, 44), (64, 96), 4
NUM_PANELS, NUM_NODES = 16, 8


def panels_of(num_panels: int | None, num_nodes: int | None) -> tuple[int, int]:
    """How many panels there are, and nodes in each, asked for or not.

    Args:
        num_panels: as many as are asked for.
        num_nodes: likewise.

    Raises:
        TypeError: if one is no integer.
        ValueError: if one is not positive.
    """
    asked = {"num_panels": num_panels, "num_nodes": num_nodes}
    check_size(**{name: size for name, size in asked.items() if size is not None})
    return num_panels or NUM_PANELS, num_nodes or NUM_NODES


def rule_for(scale: Tensor) -> str:
    """The rule for these scales: equal, similar or panels.

    Where they are traced, panels in Pyro; in NumPyro None, to be chosen as it runs.

    Args:
        scale: standard deviations, of one entry if they are the same.
    """
    if not scale.dim() or scale.shape[-1] == 1 or scale.stride(-1) == 0:
        return "equal"
    if is_tracing() or is_compiling():
        return "panels"
    if are_equal(scale):
        return "equal"
    return "similar" if are_similar(scale) else "panels"


def are_equal(scale: Tensor) -> bool:
    """Whether the scales of every distribution are.

    Args:
        scale: standard deviations.
    """
    return bool(is_all_true(scale == scale[..., :1]))


def are_similar(scale: Tensor) -> bool:
    """Whether the scales of every distribution are.

    Args:
        scale: standard deviations.
    """
    return bool(is_all_true(scale.amax(-1) <= SIMILAR * scale.amin(-1)))


def nodes_of(rule: str, loc: Tensor, n: int) -> int:
    """How many nodes it takes.

    Args:
        rule: equal or similar.
        loc: means of the Gaussians.
        n: how many there are.
    """
    equal, similar = DOUBLE if loc.dtype == torch.float64 else SINGLE
    return (equal if rule == "equal" else similar) + MORE * int(math.log10(n))


def width_of(loc: Tensor, rule: str, panels: tuple[int, int]) -> int:
    """How many numbers a distribution has at the nodes of a rule.

    Args:
        loc: means of the Gaussians.
        rule: equal, similar or panels.
        panels: how many there are, and nodes in each.
    """
    n = loc.shape[-1]
    return n * (math.prod(panels) if rule == "panels" else nodes_of(rule, loc, n))


def are_common(log_probs: Tensor) -> bool:
    """Whether no category is so rare that its probability is an estimate.

    Args:
        log_probs: log probabilities, up to a constant.
    """
    if is_tracing() or is_compiling():
        return False
    span = log_probs.amax(-1) - log_probs.amin(-1)
    return bool(is_all_true(span < (34 if log_probs.dtype == torch.float64 else 20)))
