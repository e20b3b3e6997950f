"""Sets of distinct configurations: drawn without replacement, and what they count."""

import math

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import logsumexp, relu

from numpyro_igr._numerics.precision import in_full_precision

# The least probability, whose logarithm is finite in float32; and a score that is below
# that of any category.
SMALLEST = 1e-30
UNUSED = -1e30


def draw_set(log_probs: Array, gumbels: Array) -> Array:
    r"""Distinct configurations of independent categorical variables, at random.

    They are those that drawing one after another without replacement gives: the S
    largest of :math:`\log p(c) + G_c` over all configurations c, with Gumbel
    variables G, which a beam search finds variable by variable.

    Shape:
        ``log_probs``: ``batch + (L, K)``; ``gumbels``: ``batch + (L, S, K)``; result:
        integers of shape ``(S,) + batch + (L,)``.

    Args:
        log_probs: of the K categories of L variables; -inf at a category that a
            variable does not have.
        gumbels: standard Gumbel variables; S is at most the number of configurations.

    Raises:
        ValueError: if S is more than :math:`K^L`.

    Source:
        stochastic beam search, Kool, van Hoof and Welling (2019), "Stochastic Beams and
        Where to Find Them", algorithm 1.
    """
    (log_probs, gumbels), _ = in_full_precision(log_probs, gumbels)
    num_variables, num_samples, num_categories = gumbels.shape[-3:]
    _check_size(*gumbels.shape[-3:])
    first = gumbels[..., 0, :, 0] + log_probs[..., 0, :1]
    beams = jnp.full_like(first, UNUSED).at[..., 0].set(0)
    codes = jnp.zeros_like(first, int, (num_variables, *first.shape))

    def extend(state: tuple, variable: tuple) -> tuple:
        beams, perturbed, codes = state
        i, log_probs, gumbels = variable
        children = beams[..., None] + log_probs[..., None, :]
        perturbed = _flatten(_perturb(children, perturbed, gumbels))
        perturbed, chosen = lax.top_k(perturbed, num_samples)
        beams = jnp.take_along_axis(_flatten(children), chosen, -1)
        chosen = chosen.astype(codes.dtype)
        parents = chosen // num_categories
        codes = jnp.take_along_axis(codes, parents[None], -1)
        return (beams, perturbed, codes.at[i].set(chosen % num_categories)), None

    log_probs = jnp.moveaxis(log_probs, -2, 0)
    variables = jnp.arange(num_variables), log_probs, jnp.moveaxis(gumbels, -3, 0)
    (_, _, codes), _ = lax.scan(extend, (beams, beams, codes), variables)
    return jnp.moveaxis(codes, (0, -1), (-1, 0))


# Two categories of as many variables as S has digits are enough.
def _check_size(num_variables: int, num_samples: int, num_categories: int) -> None:
    digits = int(num_samples).bit_length()
    count = num_categories ** min(num_variables, digits)
    if num_samples > count:
        raise ValueError(
            "expected gumbels to have an S of at most the number of configurations, "
            f"K^L = {count}, got S = {num_samples}"
        )


# The largest child is to have the perturbed value of its parent: all are moved down to
# it through their distribution functions, in the numerically stable form.
def _perturb(log_probs: Array, largest: Array, gumbels: Array) -> Array:
    free, largest = log_probs + gumbels, largest[..., None]
    below = free - free.max(-1, keepdims=True)
    excess = largest - free + jnp.log(-jnp.expm1(below))
    return largest - relu(excess) - jnp.log1p(jnp.exp(-abs(excess)))


def _flatten(x: Array) -> Array:
    return x.reshape(*x.shape[:-2], math.prod(x.shape[-2:]))


def set_weights(log_probs: Array) -> tuple[Array, Array]:
    r"""Unbiased weights of a set drawn without replacement, and of its baselines.

    .. math::
        E f = E \sum_{s \in S} w_s f(s), \qquad
        w_s = p(s) \frac{p^{\setminus s}(S \setminus s)}{p(S)}

    with p(S) the probability of the set and :math:`p^{\setminus s}` that of one from
    which s is barred. :math:`b_s = \sum_{s'} B_{s s'} f(s')` estimates E f from the
    others, so that :math:`\sum_s w_s (f(s) - b_s) \nabla \log p(s)` is an unbiased
    gradient with a baseline. Where the set is everything, w is p and all is exact; a
    set of size 1 has no baseline.

    Shape:
        ``log_probs`` and weights: ``(S,) + batch``; weights of the baselines
        ``(S, S) + batch``.

    Args:
        log_probs: of the configurations in the set.

    Accuracy:
        To 1e-9 in float64 for sets of 1 to 5; absolutely, where the set holds all but
        next to nothing of the mass.
    Source:
        Kool, van Hoof and Welling (2020), who call the ratio of probabilities the
        leave-one-out ratio, and integrate numerically as well.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr.discrete import set_weights
        >>> weights, _ = set_weights(jnp.log(jnp.array([0.5, 0.3])))
        >>> [round(x, 3) for x in weights.tolist()]
        [0.583, 0.417]
    """
    return _set_weights(log_probs)


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _set_weights(log_probs: Array) -> tuple[Array, Array]:
    (log_probs,), _ = in_full_precision(log_probs)
    log_set, log_one, log_two = _log_integrals(log_probs)
    barred = jnp.eye(len(log_probs), dtype=log_probs.dtype)
    barred = barred.reshape(*barred.shape, *[1] * (log_probs.ndim - 1))
    baselines = jnp.where(barred == 1, log_probs, log_two - log_one[:, None])
    has_baseline = float(len(log_probs) > 1)
    return jnp.exp(log_one - log_set), has_baseline * jnp.exp(baselines)


def leave_one_out_weights(log_probs: Array) -> tuple[Array, Array]:
    """Weights of independent samples and of the mean of the others, the baseline.

    Shape:
        as :func:`set_weights`.

    Args:
        log_probs: of the samples.

    Source:
        Kool, van Hoof and Welling (2019), "Buy 4 REINFORCE samples, get a baseline for
        free!".
    """
    size, dims = len(log_probs), [1] * (log_probs.ndim - 1)
    others = (1 - jnp.eye(size, dtype=log_probs.dtype)).reshape(size, size, *dims)
    return jnp.full_like(log_probs, 1 / size), others / max(size - 1, 1)


# A set is drawn first when exponential clocks of rates p(s) all ring before one of the
# rate c of the rest: p(S) = int c exp(-c t) prod_s (1 - exp(-p(s) t)) dt. Each factor
# is divided by p(s), which cancels in the weights; c t = exp(u), in equal steps.
def _log_integrals(log_probs: Array) -> tuple[Array, Array, Array]:
    """Of the product of all factors, of all but one, and of all but two."""
    u = _nodes(len(log_probs), log_probs)
    log_rest = jnp.log(jnp.maximum(-jnp.expm1(logsumexp(log_probs, 0)), SMALLEST))
    log_t = u - log_rest
    x = jnp.maximum(jnp.exp(log_probs + log_t[:, None]), SMALLEST)
    factors = log_t[:, None] + jnp.log(-jnp.expm1(-x) / x)
    everything = (u - jnp.exp(u)) + factors.sum(1)
    one = everything[:, None] - factors
    two = one[:, :, None] - factors[:, None]
    everything, one, two = (logsumexp(terms, 0) for terms in (everything, one, two))
    return everything, one, two


def _nodes(size: int, like: Array) -> Array:
    """Where u is looked at: closer for large sets, whose integrand is narrower."""
    low = math.log(jnp.finfo(like.dtype).eps)
    high = math.log(40 + 4 * size)
    count = int((high - low) * math.sqrt(size + 1) / 0.4)
    nodes = jnp.linspace(low, high, count, dtype=like.dtype)
    return nodes.reshape(-1, *[1] * (like.ndim - 1))
