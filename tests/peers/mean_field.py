"""The best bound that a guide of independent sites can have, by coordinate ascent."""

import numpy as np
from scipy.special import log_softmax, softmax

IMPOSSIBLE = -1e4
STARTS, SWEEPS = 20, 100


def best_bound(log_joint: np.ndarray) -> np.ndarray:
    """The largest ELBO of a product of distributions, for each of a batch.

    Args:
        log_joint: The log of the density of the observed at each combination of
            values, an axis for each latent site; the last axis is the batch.
    """
    log_joint = np.maximum(log_joint, IMPOSSIBLE)
    rng = np.random.default_rng(0)
    return np.max([_climb(log_joint, rng) for _ in range(STARTS)], axis=0)


def _climb(log_joint: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    *sizes, batch = log_joint.shape
    logits = [2.0 * rng.standard_normal((size, batch)) for size in sizes]
    for _ in range(SWEEPS):
        for site in range(len(sizes)):
            logits[site] = _expected(log_joint, logits, {site})
    entropy = sum(-(softmax(x, 0) * log_softmax(x, 0)).sum(0) for x in logits)
    return _expected(log_joint, logits, set()) + entropy


def _expected(log_joint: np.ndarray, logits: list, kept: set[int]) -> np.ndarray:
    """The mean over all sites but those that are kept."""
    mean = log_joint
    for site in reversed(range(len(logits))):
        if site not in kept:
            probs = np.expand_dims(softmax(logits[site], 0), tuple(range(site)))
            probs = np.expand_dims(probs, tuple(range(site + 1, mean.ndim - 1)))
            mean = (mean * probs).sum(site)
    return mean
