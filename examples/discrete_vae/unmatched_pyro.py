"""Codes without ``from_probs``: those with flows, and those of eq. 18."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from pyro import poutine
from pyro.distributions import Distribution, Independent
from pyro.infer.reparam import TransformReparam
from scipy.optimize import least_squares
from scipy.stats import norm
from torch import Tensor
from torch.nn.functional import pad

from pyro_igr import IGR, IGRFlow, IGRStickBreaking, PlanarTransform
from pyro_igr.discrete import largest_weight_probs

NUM_LAYERS, STEP = 2, 0.01
STILL = np.log(np.expm1(1))  # w . u of a layer that moves no point


def make_planar(temperature: Tensor, logits: Tensor) -> IGRFlow:
    """IGR of these logits, before planar layers that move no point at first.

    Each variable has layers of its own. What they learn changes the discrete
    distribution of prior and posteriors alike.
    """
    prior = IGR.from_probs(temperature, logits=logits)
    w = np.random.default_rng(0).normal(size=(NUM_LAYERS, *prior.loc.shape))
    u = STILL * w / (w**2).sum(-1, keepdims=True)
    arrays = (logits.new_tensor(x) for x in (u, w, np.zeros(w.shape[:-1])))
    flow = [PlanarTransform(*layer) for layer in zip(*arrays, strict=True)]
    return IGRFlow(temperature, prior.loc, prior.scale, flow)


def learned(prior: Distribution) -> Distribution:
    """The prior, with planar layers that model and guide share and learn, if any.

    They are one object in both, as the KL in closed form needs.
    """
    if not isinstance(prior, IGRFlow):
        return prior
    for i, layer in enumerate(prior.flow):
        for name in ("u", "w", "bias"):
            value = pyro.param(f"flow_{i}_{name}", getattr(layer, name))
            setattr(layer, name, value)
    return prior


def make_paper_sticks(temperature: Tensor, logits: Tensor) -> IGRStickBreaking:
    """Sticks as in eq. 18, uniform over all categories but the last, which has none.

    The prior of the paper is the one nearest to uniform by eq. 14, which is least for a
    point. `match_moments` mends that for softmax++ alone. Here it is the largest
    weight, of which the discrete model is made, that is uniform, at scale 1.
    """
    loc = logits.new_tensor(_uniform_loc(logits.shape[-1]))
    loc = loc.expand(*logits.shape[:-1], len(loc))
    return IGRStickBreaking(temperature, loc, loc.new_ones(1), tempering="softmax++")


def by_gaussians(program: Callable) -> Callable:
    """The program, where such codes are sampled, and scored, by their Gaussians.

    Where entries of a code underflow, its own density is lost, and with it a gradient.
    Model and guide have the same map, so that the bound is the same.
    """
    changed = poutine.reparam(program, config=_to_gaussians)
    return poutine.block(changed, hide_fn=_is_given)


def _to_gaussians(site: dict[str, Any]) -> TransformReparam | None:
    code = site["fn"]
    while isinstance(code, Independent):
        code = code.base_dist
    is_ours = isinstance(code, IGRFlow) or getattr(code, "tempering", "") == "softmax++"
    return TransformReparam() if is_ours else None


def _is_given(site: dict[str, Any]) -> bool:
    return site["name"] == "code" and site["is_observed"]


@cache
def _uniform_loc(num_categories: int) -> NDArray[np.floating]:
    """Means at which each of the weights but the last is equally often the largest.

    That of the last stick is free: it is 0.
    """
    n = num_categories - 1

    def excess(loc: NDArray[np.floating]) -> NDArray[np.floating]:
        means = pad(torch.as_tensor(loc), (0, 1))
        probs = largest_weight_probs(means, torch.ones(1), remainder=False)
        return (n * probs[..., :-2] - 1).numpy()

    def slopes(loc: NDArray[np.floating]) -> NDArray[np.floating]:
        steps = STEP * np.eye(n - 1)
        return (excess(loc + steps) - excess(loc - steps)).T / (2 * STEP)

    if n == 1:
        return np.zeros(1)
    start = norm.ppf(1 / np.arange(n, 1, -1))  # each as often the first above 0
    return np.append(least_squares(excess, start, slopes).x, 0.0)
