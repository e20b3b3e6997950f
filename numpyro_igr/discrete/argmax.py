"""The discrete distribution of argmax([y, 0]) for Gaussian y (Prop. 2)."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_softmax

from numpyro_igr._numerics.bulk_nodes import bulk_nodes
from numpyro_igr._numerics.chunks import by_chunks
from numpyro_igr._numerics.maximum_integrals import log_integrals
from numpyro_igr._numerics.normal import log_ndtr
from numpyro_igr._numerics.normal_maximum import (
    log_cdf_and_hazards,
    log_cdf_and_survival,
    log_sum,
)
from numpyro_igr._numerics.normal_tails import log_ndtr_of_both
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._numerics.quantiles import nodes_of_few, panel_nodes
from numpyro_igr._numerics.shapes import check_shapes
from numpyro_igr.discrete._check_probs import check_gaussians
from numpyro_igr.discrete._rules import (
    RULES,
    SIMILAR,
    Rule,
    are_few,
    are_within,
    nodes_of,
    panels_of,
    panels_of_few,
    rank_of,
    rule_for,
    width_of,
)


def argmax_probs(
    loc: Array,
    scale: Array,
    num_panels: int | None = None,
    num_nodes: int | None = None,
) -> Array:
    r"""Probabilities of the largest of K-1 independent Gaussians and 0.

    With :math:`F(t) = \prod_j \Phi((t - \mu_j)/\sigma_j)`, the CDF of the largest
    Gaussian, and the reversed hazards :math:`r_k = \phi / (\sigma_k \Phi)`,

    .. math:: p_k = \int_0^\infty F(t) \, r_k(t) \, dt \quad (k < K), \qquad p_K = F(0)

    All categories share the quadrature nodes, so the cost is K times their number. For
    scales within a factor of 5 of one another these are in the bulk of the maximum;
    for others, and if a number is given, in panels between its quantiles, at many times
    the cost, and at 8 times theirs if the factor is above 20. Under ``jit`` NumPyro
    chooses as it runs; Pyro uses panels unless ``scale`` has a single entry.

    Shape:
        ``loc``, ``scale``: ``batch + (K-1,)``; result ``batch + (K,)``.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations, positive.
        num_panels: number of quantile panels of the largest Gaussian; where panels
            are needed 16 by default, 64 for scales that are not within a factor of 20.
        num_nodes: number of Gauss-Legendre nodes in each panel; 8 and 16 likewise.

    Raises:
        ValueError: if ``loc`` is not real, or ``scale`` or a number not positive.

    Accuracy:
        For scales within a factor of 5, total variation at most 1e-10 in float64 and
        5e-6 in float32 (K = 2 to 1000), and gradients of probabilities alike. For
        others (K = 10, float64) at most 1e-4 for scales in [0.05, 5]; for 98 of 100 at
        random 1e-6 there, 1e-4 in [0.005, 10] (farther apart, ask for more panels) and,
        under ``jit`` in Pyro or with 16 panels of 8 nodes, 1e-4 in [0.05, 5].
        Log probabilities and their gradients to 1e-3, relative, for means up to 1e6
        scales from 0, none far above 0. Beside one, of p below 1e-15 to 5 percent for
        means up to 15 equal scales from 0; else they may be several times too low.
    Source:
        IGR (Potapczynski et al., 2020), Prop. 2 and eq. 21; the appendix's eq. 29 lost
        the factor 1 / scale. Both quadratures are ours.

    Example:
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import argmax_probs
        >>> [round(x, 4) for x in argmax_probs(jnp.zeros(2), jnp.ones(2)).tolist()]
        [0.375, 0.375, 0.25]
    """
    check_gaussians(loc, scale)
    (loc, scale), dtype = in_full_precision(loc, scale)
    given = loc, scale, num_panels, num_nodes
    return jnp.exp(log_argmax_probs(*given, validate_args=False)).astype(dtype)


def log_argmax_probs(
    loc: Array,
    scale: Array,
    num_panels: int | None = None,
    num_nodes: int | None = None,
    *,
    validate_args: bool | None = None,
) -> Array:
    """Log of :func:`argmax_probs`: same arguments, shapes and checks; in nats."""
    check_gaussians(loc, scale, validate_args=validate_args)
    (loc, scale), dtype = in_full_precision(loc, scale)
    check_shapes({"loc": loc.shape, "scale": scale.shape})
    rule = panels_of(num_panels, num_nodes) or rule_for(scale)
    return _log_probs(*jnp.broadcast_arrays(loc, scale), rule).astype(dtype)


@partial(jax.jit, static_argnames="rule")
def _log_probs(loc: Array, scale: Array, rule: Rule | None) -> Array:
    if loc.shape[-1] == 1:
        return log_softmax(jnp.concatenate(log_ndtr_of_both(loc / scale), -1), -1)
    if rule is not None:
        return _by_rule(loc, scale, rule)
    # Each is evaluated again for its gradient: what one keeps, all would return.
    again = partial(jax.checkpoint, prevent_cse=False)
    by_rules = [again(partial(_by_rule, rule=x)) for x in RULES]
    if are_few(loc):
        return lax.cond(rank_of(scale) < 3, _from_either, by_rules[3], loc, scale)
    return lax.switch(rank_of(scale), by_rules, loc, scale)


def _by_rule(loc: Array, scale: Array, rule: Rule) -> Array:
    integrate = _from_bulk if isinstance(rule, str) else _from_panels
    return by_chunks(partial(integrate, rule=rule), width_of(loc, rule), loc, scale)


def _from_bulk(loc: Array, scale: Array, rule: str) -> Array:
    log_last = log_ndtr(-loc / scale).sum(-1, keepdims=True)
    loc, t, log_weights = bulk_nodes(loc, scale, nodes_of(rule, loc, loc.shape[-1]))
    log_p = log_integrals(loc, scale, t, log_weights)
    return log_softmax(jnp.concatenate([log_p, log_last], -1), -1)


def _from_panels(loc: Array, scale: Array, rule: tuple[int, int]) -> Array:
    return log_probs_from(*integrand(loc, scale, *rule)[:2], loc, scale)


def _from_either(loc: Array, scale: Array) -> Array:
    terms = integrand_of_few(are_within(SIMILAR, scale), loc, scale)
    return log_probs_from(*terms[:2], loc, scale)


def log_probs_from(
    log_density: Array, log_hazards: Array, loc: Array, scale: Array
) -> Array:
    """Log probabilities, normalised, from the :func:`integrand` at its nodes."""
    log_p = log_sum(log_density[..., None] + log_hazards, 0)
    log_last, log_others = log_cdf_and_survival(jnp.zeros_like(loc[..., 0]), loc, scale)
    log_p = log_softmax(log_p, -1) + log_others[..., None]
    return log_softmax(jnp.concatenate([log_p, log_last[..., None]], -1), -1)


def integrand(
    loc: Array, scale: Array, num_panels: int, num_nodes: int
) -> tuple[Array, Array, Array]:
    r"""Log of weight times :math:`F(t)`, :math:`\log r_k(t)`, u = (t - loc) / scale.

    The nodes t lie between quantiles of the maximum, and carry no gradient.

    Shape:
        ``loc``, ``scale``: ``batch + (n,)``; results ``nodes + batch`` and, the others,
        ``nodes + batch + (n,)``.
    """
    return _at(*panel_nodes(loc, scale, (num_panels, num_nodes)), scale)


def integrand_of_few(
    is_easy: Array, loc: Array, scale: Array
) -> tuple[Array, Array, Array]:
    """As :func:`integrand` at few panels, or over the bulk if that is easy."""
    return _at(*nodes_of_few(is_easy, loc, scale, panels_of_few(loc)), scale)


def _at(loc: Array, t: Array, log_weights: Array, scale: Array) -> tuple:
    log_f, log_hazards = log_cdf_and_hazards(t, loc, scale)
    return log_weights + log_f, log_hazards, (t[..., None] - loc) / scale
