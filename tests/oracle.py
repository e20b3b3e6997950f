"""The paper in SciPy and mpmath, one function an equation: neither twin wrote it."""

import itertools

import mpmath as mp
import numpy as np
from scipy import integrate, stats
from scipy.special import log_expit, log_ndtr, logit, logsumexp


def break_sticks(u):
    """Eq. 16: the weights of sticks broken at u, the remainder last."""
    weights, rest = [], mp.mpf(1)
    for u_k in u:
        weights.append(u_k * rest)
        rest *= 1 - u_k
    return [*weights, rest]


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def forward(kind, y, tau, delta=1):
    """The map ``kind`` in the precision of mpmath."""
    if kind.startswith("softmax_plus_plus"):
        terms = [*(mp.exp(y_k / tau) for y_k in y), mp.mpf(delta)]
        return [t / mp.fsum(terms) for t in terms]
    if kind == "stick_breaking_sticks":
        return break_sticks([_sigmoid(y_k / tau) for y_k in y])
    w = break_sticks([_sigmoid(y_k) for y_k in y])
    if kind == "stick_breaking_weights":
        powers = [w_k ** (1 / mp.mpf(tau)) for w_k in w]
        return [p / mp.fsum(powers) for p in powers]
    if kind == "stick_breaking_softmax++":
        return forward("softmax_plus_plus", w[:-1], tau)
    nearest = max(range(len(w)), key=lambda k: w[k])
    return [tau * w_k + (1 - tau) * (k == nearest) for k, w_k in enumerate(w)]


def log_det(kind, y, tau, delta=1):
    """Log absolute determinant by numerical differentiation in 50 digits."""
    with mp.workdps(50):
        y = [mp.mpf(float(y_k)) for y_k in y]
        return float(exact_log_det(kind, y, tau, delta))


def exact_log_det(kind, y, tau, delta=1):
    """The same in the precision of mpmath, to two fifths of its digits."""
    n, step = len(y), mp.mpf(10) ** (-2 * mp.mp.dps // 5)
    jacobian = mp.matrix(n, n)
    for j in range(n):
        up, down = list(y), list(y)
        up[j], down[j] = y[j] + step, y[j] - step
        z_up, z_down = (
            forward(kind, up, tau, delta),
            forward(kind, down, tau, delta),
        )
        for i in range(n):
            jacobian[i, j] = (z_up[i] - z_down[i]) / (2 * step)
    return mp.log(abs(mp.det(jacobian)))


def log_normal(y, loc, scale):
    return stats.norm(loc, scale).logpdf(y).sum(-1)


def kl_by_quadrature(log_q, log_p, loc, scale, nodes=60):
    """E over y ~ N(loc, scale) of ``log_q(y) - log_p(y)``, by Gauss-Hermite."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    index = np.array([*itertools.product(range(nodes), repeat=len(loc))])
    y = np.asarray(loc) + np.asarray(scale) * x[index]
    return np.prod((w / w.sum())[index], -1) @ (log_q(y) - log_p(y))


def argmax_probs(loc, scale):
    """Prop. 2, by adaptive quadrature of one category at a time."""
    loc, scale = np.asarray(loc), np.asarray(scale)

    def density(t, k):
        others = np.delete(np.arange(len(loc)), k)
        log_cdf = stats.norm.logcdf(t, loc[others], scale[others]).sum()
        return np.exp(stats.norm.logpdf(t, loc[k], scale[k]) + log_cdf)

    def prob(k):
        points = np.concatenate([loc, loc - 3 * scale, loc + 3 * scale])
        edges = np.unique(np.clip(points, 0, None))
        edges = np.append(edges, max(edges[-1], 0) + 12 * scale.max())
        pieces = itertools.pairwise(edges)
        return sum(integrate.quad(density, *p, (k,), epsabs=1e-13)[0] for p in pieces)

    last = np.exp(stats.norm.logcdf(0, loc, scale).sum())
    return np.array([*(prob(k) for k in range(len(loc))), last])


def log_argmax_probs(loc):
    """The logs of :func:`argmax_probs` at scale 1, of rare categories too."""
    t = np.arange(0, max(np.max(loc), 0) + 10, 0.004)
    log_cdf, log_pdf = (f(t - loc[:, None]) for f in (log_ndtr, stats.norm.logpdf))
    weight = np.where(t, 0.004, 0.002)  # a trapezoid
    log_p = logsumexp(log_pdf + log_cdf.sum(0) - log_cdf, -1, weight)
    return np.append(log_p, log_ndtr(-loc).sum())


def nodes_between_steps(loc, scale, *points):
    """Nodes on t > 0 and weights, between points around the step of each Gaussian."""
    edges = (loc + scale * np.array([[-9, -5, -2, 0, 2, 5, 9]]).T).ravel()
    edges = np.unique([0, *points, *edges[edges > 0]])
    x, weights = np.polynomial.legendre.leggauss(24)
    halves = np.diff(edges)[:, None] / 2
    t = edges[:-1, None] + halves * (x + 1)
    return t.reshape(-1, 1), (halves * weights).reshape(-1, 1)


def largest_weight_probs(y, loc, scale, remainder):
    """Chances that each weight is largest, given all logits but the last.

    The last logit is N(loc, scale): the largest weight so far stays largest while the
    last break leaves neither piece of the stick larger.
    """
    log_rest = np.cumsum(log_expit(-y), -1)
    log_w = log_expit(y) + np.pad(log_rest[:, :-1], ((0, 0), (1, 0)))
    share = np.minimum(np.exp(log_w.max(-1) - log_rest[:, -1]), 1)
    last = stats.norm(loc, scale)
    probs = np.zeros((len(y), y.shape[-1] + 2))
    if remainder:
        share = np.maximum(share, 0.5)
        probs[:, -1] = last.cdf(-logit(share))
    probs[:, -2] = last.sf(logit(share))
    probs[np.arange(len(y)), log_w.argmax(-1)] = 1 - probs.sum(-1)
    return probs


def alr(log_z):
    return log_z[..., :-1] - log_z[..., -1:]


def log_exp_igr(log_z, tau, loc, scale):
    """Density of log z in additive log-ratios: Gaussian, scaled by tau."""
    y = tau * alr(log_z)
    return log_normal(y, loc, scale) + y.shape[-1] * np.log(tau)
