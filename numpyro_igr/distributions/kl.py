"""Closed-form KL divergences (eq. 13), registered with the host."""

import jax
import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Normal
from numpyro.distributions.kl import kl_divergence

from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr.distributions._pushforward import GaussianPushforward


@kl_divergence.register(GaussianPushforward, GaussianPushforward)
def _kl(p: GaussianPushforward, q: GaussianPushforward) -> Array:
    r"""KL(p || q) in nats, of the Gaussians in coordinates that both have.

    Where :math:`y / \tau + b` is the same function of z for both, the coordinates
    :math:`y_q = (\tau_q / \tau_p) y_p + \tau_q (b_p - b_q)` are affine, and the KL is
    exact at unequal temperatures and options as well. The paper states equal ones only.
    Else the maps must be the same, and all that they are made of.
    """
    _require_same_family(p, q)
    if p.unit_shift is None or q.unit_shift is None:
        _require_same_map(p, q)
        ones = jnp.ones_like(q.temperature)
        return _kl_in_coordinates_of_q(p, q, ones, 0 * ones)
    ratio = q.temperature / p.temperature
    shift = q.temperature * (p.unit_shift - q.unit_shift)
    return _kl_in_coordinates_of_q(p, q, ratio, shift)


def _require_same_family(p: GaussianPushforward, q: GaussianPushforward) -> None:
    if type(p)._transform is not type(q)._transform:
        raise NotImplementedError(
            f"no closed-form KL between {type(p).__name__} and {type(q).__name__}: "
            "give model and guide the same family, or, if both have a density at the "
            "same values, estimate it, as Trace_ELBO does"
        )


def _require_same_map(p: GaussianPushforward, q: GaussianPushforward) -> None:
    if unknown := p.unnamed():
        raise NotImplementedError(
            f"no closed-form KL of {type(p).__name__}, whose options do not name "
            f"{', '.join(unknown)}: add what makes its map, or estimate it, as "
            "Trace_ELBO does"
        )
    for name in (*p.options, "temperature"):
        if not p.shares(q, name):
            raise NotImplementedError(
                f"{type(p).__name__} has a closed-form KL only between distributions "
                f"of the same {name}, one object or concrete and equal values: give "
                "model and guide the same, or estimate it, as Trace_ELBO does"
            )


def _kl_in_coordinates_of_q(
    p: GaussianPushforward, q: GaussianPushforward, ratio: Array, shift: Array
) -> Array:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "expected distributions over the same number of categories, "
            f"got {p.event_shape[0]} and {q.event_shape[0]}"
        )
    gaussians, dtype = in_full_precision(p.loc, p.scale, q.loc, q.scale)
    batch_shape = jnp.broadcast_shapes(p.batch_shape, q.batch_shape)
    kl = _kl_of_gaussians(ratio, shift, *gaussians).astype(dtype)
    return jnp.broadcast_to(kl, batch_shape)


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _kl_of_gaussians(
    ratio: Array,
    shift: Array,
    p_loc: Array,
    p_scale: Array,
    q_loc: Array,
    q_scale: Array,
) -> Array:
    ratio, shift = jnp.expand_dims(ratio, -1), jnp.expand_dims(shift, -1)
    p_y = Normal(ratio * p_loc + shift, ratio * p_scale, validate_args=False)
    q_y = Normal(q_loc, q_scale, validate_args=False)
    return kl_divergence(p_y, q_y).sum(-1)
