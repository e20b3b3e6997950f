"""The values of golden.json, from their inputs, in 50 digits.

python -m tests.make_golden computes each again, by the functions of oracle.py, and
writes the file: a new case needs its inputs alone.
"""

import json
from functools import cache
from pathlib import Path

import mpmath as mp

from tests import oracle

FILE = Path(__file__).parent / "golden.json"
DIGITS = 50
FOR_DETERMINANTS = 500  # which may be e^-300, of entries near 1
INPUTS = "loc", "scale", "noise_value", "prior_loc", "prior_scale"
# Between these, in scales from a mean, each quadrature converges at once.
EDGES = -12, -6, -3, -1, 0, 1, 3, 6, 9, 10, 12, 18


def of_case(case):
    """What a map, its density and its KL are, of one of the cases."""
    with mp.workdps(DIGITS):
        tau, delta = exact([case["temperature"], case["delta"]])
        loc, scale, y, prior_loc, prior_scale = (exact(case[name]) for name in INPUTS)
        kind = "stick_breaking_" + case["kind"]
        kind = "softmax_plus_plus" if case["kind"] == "softmax" else kind
        z = oracle.forward(kind, y, tau, delta)
        with mp.workdps(FOR_DETERMINANTS):
            log_det = oracle.exact_log_det(kind, y, tau, delta)
        found = {
            "value": z,
            "log_value": [mp.log(z_k) for z_k in z],
            "log_abs_det_jacobian": log_det,
            "log_prob": mp.fsum(map(log_normal, y, loc, scale)) - log_det,
            "kl": mp.fsum(map(kl_of_normals, loc, scale, prior_loc, prior_scale)),
        }
        if "discrete_probs" in case:
            probs = argmax_probs if case["kind"] == "softmax" else stick_probs
            found["discrete_probs"] = probs(loc, scale)
        return {name: rounded(value) for name, value in found.items()}


def of_hard_case(case):
    """Discrete probabilities that are far from alike, and their sum."""
    with mp.workdps(DIGITS):
        probs = argmax_probs(exact(case["loc"]), exact(case["scale"]))
        return {"discrete_probs": rounded(probs), "sum": rounded(mp.fsum(probs))}


def exact(decimals):
    return [mp.mpf(repr(x)) for x in decimals]


def rounded(value):
    return [float(x) for x in value] if isinstance(value, list) else float(value)


def log_normal(y, loc, scale):
    return -((y - loc) ** 2) / (2 * scale**2) - mp.log(scale) - mp.log(2 * mp.pi) / 2


def kl_of_normals(loc, scale, prior_loc, prior_scale):
    ratio, distance = scale / prior_scale, (loc - prior_loc) / prior_scale
    return (ratio**2 + distance**2 - 1) / 2 - mp.log(ratio)


def stick_probs(loc, scale):
    """The first stick with y > 0, or none."""
    return oracle.break_sticks(
        [mp.ncdf(m / s) for m, s in zip(loc, scale, strict=True)]
    )


def argmax_probs(loc, scale):
    """Prop. 2: the largest of the Gaussians and 0, by adaptive quadrature."""

    @cache
    def at(t):
        u = [(t - m) / s for m, s in zip(loc, scale, strict=True)]
        below = [mp.ncdf(u_j) for u_j in u]
        rates = (mp.npdf(x) / s / f for x, s, f in zip(u, scale, below, strict=True))
        return mp.fprod(below), [*rates]

    points = {m + j * s for m, s in zip(loc, scale, strict=True) for j in EDGES}
    edges = sorted({mp.mpf(0)} | {x for x in points if x > 0})

    def prob(k):
        return mp.quad(lambda t: at(t)[0] * at(t)[1][k], edges)

    return [*(prob(k) for k in range(len(loc))), at(mp.mpf(0))[0]]


def main():
    """Write the file anew."""
    golden = json.loads(FILE.read_text())
    for key, compute in {"cases": of_case, "discrete_probs_hard": of_hard_case}.items():
        golden[key] = [case | compute(case) for case in golden[key]]
    FILE.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
