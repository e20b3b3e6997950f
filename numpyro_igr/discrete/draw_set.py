"""Sets of distinct configurations, drawn without replacement."""

import math

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import relu

UNUSED = -1e30


def draw_set(log_probs: Array, gumbels: Array) -> Array:
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
    beams = jnp.full_like(gumbels[..., 0, :, 0], UNUSED).at[..., 0].set(0)
    codes = jnp.zeros((num_variables, *beams.shape), int)

    def extend(state: tuple, variable: tuple) -> tuple:
        beams, perturbed, codes = state
        i, log_probs, gumbels = variable
        children = beams[..., None] + log_probs[..., None, :]
        perturbed = _flatten(_perturb(children, perturbed, gumbels))
        perturbed, chosen = lax.top_k(perturbed, num_samples)
        beams = jnp.take_along_axis(_flatten(children), chosen, -1)
        parents = chosen // num_categories
        codes = jnp.take_along_axis(codes, parents[None], -1)
        return (beams, perturbed, codes.at[i].set(chosen % num_categories)), None

    log_probs = jnp.moveaxis(log_probs, -2, 0)
    variables = jnp.arange(num_variables), log_probs, jnp.moveaxis(gumbels, -3, 0)
    (_, _, codes), _ = lax.scan(extend, (beams, beams, codes), variables)
    return jnp.moveaxis(codes, (0, -1), (-1, 0))


# The largest child is to have the perturbed value of its parent: all are moved down to
# it through their distribution functions, in the numerically stable form.
def _perturb(log_probs: Array, largest: Array, gumbels: Array) -> Array:
    free, largest = log_probs + gumbels, largest[..., None]
    below = free - free.max(-1, keepdims=True)
    excess = largest - free + jnp.log(-jnp.expm1(below))
    return largest - relu(excess) - jnp.log1p(jnp.exp(-abs(excess)))


def _flatten(x: Array) -> Array:
    return x.reshape(*x.shape[:-2], math.prod(x.shape[-2:]))
