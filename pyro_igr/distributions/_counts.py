"""The probabilities of a distribution of counts, as categories."""

import math
from typing import cast

import torch
from torch import Tensor
from torch.distributions import Distribution as AnyDistribution
from torch.distributions import constraints

from pyro_igr._host import is_all_true, transformation
from pyro_igr._numerics.checks import check_size
from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._typed import Distribution
from pyro_igr.distributions.recovering import is_masked

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


def log_pmf(dist: Distribution, num_sticks: int | None = None) -> Tensor:
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
    if not isinstance(dist, AnyDistribution):
        raise TypeError(f"expected a distribution of counts, got {dist!r}")
    if is_masked(dist):
        raise ValueError(MASKED)
    if num_sticks is not None:
        check_size(num_sticks=num_sticks)
    _, upper = _bounds(dist)
    n = _default_num_sticks(dist) if num_sticks is None else num_sticks
    log_probs = _log_probs(dist, n + 1)
    if not is_all_true(_to_tensor(upper) <= n):
        beyond = 1 - log_probs[..., :n].exp().sum(-1, keepdim=True)
        beyond = beyond.clamp(min=torch.finfo(beyond.dtype).eps)
        log_probs = torch.cat([log_probs[..., :n], beyond.log()], -1)
    return log_probs.clamp(min=math.log(torch.finfo(log_probs.dtype).tiny))


def check_concrete(dist: Distribution, num_sticks: int | None) -> None:
    """Raises if the number of counts to tell apart would change from run to run.

    Args:
        dist: a distribution of counts.
        num_sticks: as in ``log_pmf``.
    """
    largest = _largest_count(dist)
    if num_sticks is None and largest > SMALL_SUPPORT and dist.mean.requires_grad:
        raise ValueError(UNBOUNDED) if largest < math.inf else _without_number(dist)


def _bounds(dist: Distribution) -> tuple[Tensor | float, Tensor | float]:
    support = getattr(dist.support, "base_constraint", dist.support)  # of a mixture
    largest = 1 if support is constraints.boolean else math.inf
    lower = _to_tensor(getattr(support, "lower_bound", 0))
    if dist.event_shape or not support.is_discrete or not is_all_true(lower >= 0):
        raise ValueError(
            "expected a distribution on the non-negative integers, got "
            f"{type(dist).__name__} on {support}"
        )
    upper = getattr(support, "upper_bound", largest)
    if _to_tensor(upper).dim() > len(dist.batch_shape):  # of each component
        upper = cast(Tensor, upper).amax(-1)
    return lower, upper


# A number of the CPU goes with tensors of any device.
def _to_tensor(bound: Tensor | float) -> Tensor:
    return bound if isinstance(bound, Tensor) else torch.tensor(bound, device="cpu")


def _log_probs(dist: Distribution, size: int) -> Tensor:
    """Of 0 .. size-1, as a last dimension; -inf outside the support."""
    lower, upper = (_to_tensor(bound) for bound in _bounds(dist))
    (mean,), _ = in_full_precision(dist.mean)  # in the precision of the parameters
    counts = torch.arange(size, dtype=mean.dtype, device=mean.device)
    counts = counts.reshape(-1, *[1] * len(dist.batch_shape))
    is_inside = (counts >= lower) & (counts <= upper)
    inside = counts.maximum(lower.to(mean)).minimum(upper.to(mean))
    log_probs = torch.where(is_inside, dist.log_prob(inside), -math.inf)
    return log_probs.movedim(0, -1)


def _default_num_sticks(dist: Distribution) -> int:
    largest = _largest_count(dist)
    if largest <= SMALL_SUPPORT:
        return max(int(largest), 1)
    try:
        return _least_num_sticks(dist)
    except RuntimeError as error:  # under vmap parameters are not known
        if transformation() is None:
            raise
        if largest < math.inf:
            return int(largest)
        raise _without_number(dist) from error


@torch.no_grad()
def _least_num_sticks(dist: Distribution) -> int:
    size, largest = 64, _largest_count(dist)
    while size <= LARGEST_SEARCH:
        probs = _log_probs(dist, size).exp()
        left = probs.flip(-1).cumsum(-1).flip(-1)
        n = _largest((left > torch.finfo(left.dtype).eps).sum(-1))
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


def _largest(values: Tensor) -> float:
    return values.max().item() if values.numel() else 1


def _largest_count(dist: Distribution) -> float:
    """That of a bounded support, for any parameters; inf if it is not known."""
    upper = _to_tensor(_bounds(dist)[1])
    try:
        is_small = is_all_true(upper < LARGEST_SEARCH // 2)
        return _largest(upper) if is_small else math.inf
    except RuntimeError:  # under vmap
        if transformation() is None:
            raise
        return math.inf
