"""Sets of distinct configurations, drawn without replacement."""

import torch
from torch import Tensor
from torch.nn.functional import relu

UNUSED = -1e30


def draw_set(log_probs: Tensor, gumbels: Tensor) -> Tensor:
    r"""Distinct configurations of independent categorical variables, at random.

    They are those that drawing one after another without replacement gives: the S
    largest of :math:`\log p(c) + G_c` over all configurations c, with Gumbel
    variables G, which a beam search finds variable by variable.

    Shape: ``log_probs``: ``batch + (L, K)``; ``gumbels``: ``batch + (L, S, K)``;
    result: integers of shape ``(S,) + batch + (L,)``.

    Args:
        log_probs: of the K categories of L variables; -inf at a category that a
            variable does not have.
        gumbels: standard Gumbel variables; S is at most the number of configurations.

    Source: stochastic beam search, Kool, van Hoof and Welling (2019), "Stochastic
        Beams and Where to Find Them", algorithm 1.
    """
    num_variables, num_samples, num_categories = gumbels.shape[-3:]
    beams = torch.full_like(gumbels[..., 0, :, 0], UNUSED)
    beams[..., 0] = 0
    perturbed, codes = beams, []
    for i in range(num_variables):
        children = beams.unsqueeze(-1) + log_probs[..., i, None, :]
        perturbed = _perturb(children, perturbed, gumbels[..., i, :, :])
        perturbed, chosen = perturbed.flatten(-2).topk(num_samples)
        beams = children.flatten(-2).gather(-1, chosen)
        parents = chosen // num_categories
        codes = [code.gather(-1, parents) for code in codes]
        codes.append(chosen % num_categories)
    return torch.stack(codes, -1).movedim(-2, 0)


# The largest child is to have the perturbed value of its parent: all are moved down to
# it through their distribution functions, in the numerically stable form.
def _perturb(log_probs: Tensor, largest: Tensor, gumbels: Tensor) -> Tensor:
    free, largest = log_probs + gumbels, largest.unsqueeze(-1)
    below = free - free.amax(-1, keepdim=True)
    excess = largest - free + (-below.expm1()).log()
    return largest - relu(excess) - (-excess.abs()).exp().log1p()
