"""A decoder so small that all its codes can be enumerated, in NumPy."""

from itertools import product

import numpy as np

NUM_VARIABLES, NUM_CATEGORIES, NUM_PIXELS = 3, 4, 8

_rng = np.random.default_rng(0)
DECODER = _rng.normal(size=(NUM_VARIABLES * NUM_CATEGORIES, NUM_PIXELS), scale=1.5)
IMAGE = (_rng.random(NUM_PIXELS) > 0.5).astype(float)
CODES = np.array(list(product(np.eye(NUM_CATEGORIES), repeat=NUM_VARIABLES)))
LOG_PRIOR = -NUM_VARIABLES * np.log(NUM_CATEGORIES)


def log_likelihoods():
    """log p(x | z) of every code."""
    logits = CODES.reshape(len(CODES), -1) @ DECODER
    return -np.logaddexp(0, np.where(IMAGE, -1, 1) * logits).sum(-1)


def log_evidence():
    return np.logaddexp.reduce(log_likelihoods() + LOG_PRIOR)


def log_guides(probs):
    """log q(z) of every code, for independent variables with these probabilities."""
    return (CODES * np.log(probs)).sum((-1, -2))


def elbo(probs):
    log_q = log_guides(probs)
    return (np.exp(log_q) * (log_likelihoods() + LOG_PRIOR - log_q)).sum()


def posterior_probs():
    """The marginals of the exact posterior, one row a variable."""
    log_joint = log_likelihoods() + LOG_PRIOR
    return np.einsum("c,cvk->vk", np.exp(log_joint - log_evidence()), CODES)
