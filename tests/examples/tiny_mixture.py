"""A mixture VAE so small that its bound and evidence are sums over grids, in NumPy."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit, log_expit, logsumexp, softmax
from scipy.stats import norm

from examples.dp_mixture_vae.options import MixtureOptions

NUM_IMAGES = 50
IMAGE = np.array([1.0, 0.0, 1.0], np.float32)
OPTIONS = {
    assignment: MixtureOptions(
        assignment=assignment,
        capacity=2,
        latent_dim=1,
        encoder=(3,),
        decoder=(),
        concentration=1.5,
    )
    for assignment in ("encoder", "weights")
}
NODES, MASSES = hermegauss(16)
MASSES = MASSES / MASSES.sum()
FINE = np.linspace(-12, 12, 4001)


def mixture_of_four(host, num_steps, assignment="encoder"):
    """A mixture of four components in this host, after some steps."""
    pytest.importorskip(host)
    options = replace(OPTIONS[assignment], capacity=4)
    mixture = importlib.import_module(f"tiny_mixture_{host}").TinyMixture(options, 20)
    for _ in range(num_steps):
        mixture.step()
    return mixture


class Parts(NamedTuple):
    """What the networks say of the image, as arrays.

    - `loc`, `scale`: of the logits of the sticks;
    - `scores`: of the components, relative to their weights;
    - `means`: of the codes of the components;
    - `code_loc`, `code_scale`: of the codes, given the image;
    - `decode`: the logits of the pixels, of codes with shape `(n, 1)`.
    """

    loc: np.ndarray
    scale: np.ndarray
    scores: np.ndarray
    means: np.ndarray
    code_loc: np.ndarray
    code_scale: np.ndarray
    decode: Callable


def log_likelihood(parts, codes):
    logits = parts.decode(codes.reshape(-1, 1).astype(np.float32))
    signs = np.where(IMAGE, 1, -1)
    return log_expit(signs * logits).sum(-1).reshape(codes.shape)


def kl_of_sticks(parts, concentration):
    """KL to Beta(1, concentration), by a Riemann sum over logits."""
    y = FINE[:, None]
    log_q = norm.logpdf(y, parts.loc, parts.scale)
    log_p = np.log(concentration) + log_expit(y) + concentration * log_expit(-y)
    return (np.exp(log_q) * (log_q - log_p)).sum() * (FINE[1] - FINE[0])


def kl_of_codes(parts):
    """KL to unit Gaussians around the means, by a Riemann sum."""
    z = FINE[:, None]
    log_q = norm.logpdf(z, parts.code_loc, parts.code_scale)
    log_ratio = log_q - norm.logpdf(z, parts.means)
    return (np.exp(log_q) * log_ratio).sum(0) * (FINE[1] - FINE[0])


def weights_on_grid(parts):
    """Weights of the components at all combinations of nodes, and the masses."""
    sticks = expit(parts.loc + parts.scale * NODES[:, None]).T
    u = np.stack(np.meshgrid(*sticks, indexing="ij"), -1)
    masses = np.stack(np.meshgrid(*[MASSES] * len(sticks), indexing="ij"), -1)
    one = np.ones_like(u[..., :1])
    left = np.concatenate([one, np.cumprod(1 - u, -1)], -1)
    return left * np.concatenate([u, one], -1), masses.prod(-1)


def fits(parts):
    """The mean log-likelihood of each component's codes minus their KL."""
    codes = parts.code_loc + parts.code_scale * NODES[:, None]
    return MASSES @ log_likelihood(parts, codes) - kl_of_codes(parts)


def bound(parts, options):
    """The sum over components, weighted by their probabilities, minus every KL."""
    weights, masses = weights_on_grid(parts)
    probs = softmax(np.log(weights) + parts.scores, -1)
    inner = (probs * (fits(parts) - np.log(probs / weights))).sum(-1)
    num_shared = 1 if options.has_own_weights else NUM_IMAGES
    mean = (masses * inner).sum()
    return mean - kl_of_sticks(parts, options.concentration) / num_shared


def evidence(parts, options):
    """The log-likelihood of a new image: over weights, components and codes."""
    if options.has_own_weights:
        left = options.concentration / (1 + options.concentration)
        powers = left ** np.arange(len(parts.loc) + 1)
        mean_weights = np.append(powers[:-1] * (1 - left), powers[-1])
    else:
        weights, masses = weights_on_grid(parts)
        axes = tuple(range(masses.ndim))
        mean_weights = (masses[..., None] * weights).sum(axes)
    z = FINE[:, None] + parts.means
    log_p = log_likelihood(parts, z) + norm.logpdf(FINE)[:, None]
    step = FINE[1] - FINE[0]
    return logsumexp(logsumexp(log_p, 0) + np.log(step) + np.log(mean_weights))
