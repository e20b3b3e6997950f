"""The one-hot sites of a guide as the variables of one joint configuration."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from pyro_igr._typed import Distribution
from pyro_igr.discrete import draw_set, leave_one_out_weights, set_weights
from pyro_igr.distributions.recovering import innermost
from pyro_igr.infer._joint_values import from_rows, order_of

LEAST_LOG_PROB = -1e4


def draw_joint_set(
    dists: dict[str, Distribution],
    plates: tuple[int, ...],
    num_samples: int,
    draw_gumbels: Callable,
) -> dict[str, Tensor]:
    """Distinct joint values of one-hot variables, a set for each element of the plates.

    Args:
        dists: by site, independent of one another, with the wrappers of the host.
        plates: dimensions of their batches, counted from the right.
        num_samples: size of a set, unless there are fewer values.
        draw_gumbels: Gumbel variables of a shape, and of the type of an array.

    Returns:
        Values by site, each like a sample of that size.
    """
    rows = [_to_rows(dist, plates).detach() for dist in dists.values()]
    count = math.prod(row.shape[-1] ** row.shape[-2] for row in rows)
    size, width = min(num_samples, count), max(row.shape[-1] for row in rows)
    rows = [pad(row, (0, width - row.shape[-1]), value=-torch.inf) for row in rows]
    table = torch.cat(rows, -2)
    codes = draw_set(table, draw_gumbels((*table.shape[:-1], size, width), table))
    parts = codes.split([row.shape[-2] for row in rows], -1)
    return {
        name: from_rows(part, dist, plates)
        for (name, dist), part in zip(dists.items(), parts, strict=True)
    }


def elbo_and_score(
    f: Tensor, log_q: Tensor, *, replacement: bool
) -> tuple[Tensor, Tensor]:
    """The estimate of an ELBO, and a term that adds the score to its gradient.

    Args:
        f: log p - log q of S samples in elements of plates, of shape ``(S,) + batch``.
        log_q: joint log probabilities of the samples, of the same shape.
        replacement: whether they were drawn with replacement.
    """
    weigh = leave_one_out_weights if replacement else set_weights
    weights, baselines = weigh(log_q.detach())
    # Of samples that are impossible, which only sets of everything hold.
    is_possible = ~(log_q <= torch.finfo(log_q.dtype).min / 2)  # or NaN
    f, log_q = (torch.where(is_possible, x, 0.0) for x in (f, log_q))
    centred = f.detach() - (baselines * f.detach()).sum(1)
    return (weights * f).sum(), (weights * centred * log_q).sum()


def _to_rows(dist: Distribution, plates: tuple[int, ...]) -> Tensor:
    """Log probabilities of the variables of a distribution, one a row, in each plate.

    Those below a floor are raised to it: an impossible category is still a category.
    """
    shape = dist.batch_shape + dist.event_shape
    log_probs = innermost(dist).logits.log_softmax(-1).clamp(min=LEAST_LOG_PROB)
    table = log_probs.expand(shape).reshape(*dist.batch_shape, -1, shape[-1])
    order = order_of(dist, plates)
    table = table.permute(*order, len(order), len(order) + 1)
    return table.flatten(len(plates), -2)
