"""Tables ``name -> constructor`` of the maps and distributions under test."""

from functools import cache

import numpy as np

TEMPERINGS = ("sticks", "weights", "softmax++", "vertex")


def _stick_breaking_map(tempering):
    return lambda igr, tau: igr.StickBreakingTransform(tau, tempering)


TRANSFORMS = {
    "softmax_plus_plus": lambda igr, tau: igr.SoftmaxPlusPlusTransform(tau),
    "softmax_plus_plus_delta": lambda igr, tau: igr.SoftmaxPlusPlusTransform(tau, 3.0),
    **{f"stick_breaking_{name}": _stick_breaking_map(name) for name in TEMPERINGS},
}


def _stick_breaking_law(tempering):
    def make(igr, tau, loc, scale):
        return igr.IGRStickBreaking(tau, loc, scale, tempering=tempering)

    return make


# One flow for all distributions of a size and a precision: their KL needs the same
# object.
@cache
def _planar(igr, size, dtype):
    u, w = np.linspace(0.2, 0.8, size), np.linspace(0.9, -0.3, size)
    if "torch" in str(dtype):
        import torch

        return igr.PlanarTransform(*(torch.tensor(x, dtype=dtype) for x in (u, w)))
    return igr.PlanarTransform(u.astype(dtype), w.astype(dtype), np.array(0, dtype))


def _flow_law(igr, tau, loc, scale):
    flow = _planar(igr, loc.shape[-1], (loc + scale).dtype)
    return igr.IGRFlow(tau, loc, scale, flow)


LAWS = {
    "igr": lambda igr, *args: igr.IGR(*args),
    "igr_delta": lambda igr, *args: igr.IGR(*args, 3.0),
    "straight_through": lambda igr, *args: igr.IGRStraightThrough(*args),
    "exp_igr": lambda igr, *args: igr.ExpIGR(*args),
    **{f"stick_breaking_{name}": _stick_breaking_law(name) for name in TEMPERINGS},
    "infinite": lambda igr, *args: igr.InfiniteIGR(*args, 1.0),
}

# The flow is in those tables that are cheap and hold for it; test_flow has more.
WITH_FLOW = LAWS | {"flow": _flow_law}

COUNTABLE = ("infinite",)

WITH_KL_ACROSS_TEMPERATURES = (
    "igr",
    "igr_delta",
    "straight_through",
    "exp_igr",
    "stick_breaking_sticks",
)

WITH_PROBS = (
    "igr",
    "straight_through",
    "exp_igr",
    "stick_breaking_sticks",
    "infinite",
)

BY_LARGEST_WEIGHT = tuple(f"stick_breaking_{name}" for name in TEMPERINGS[1:])
