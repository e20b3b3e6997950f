"""Closed-form KL divergences (eq. 13), registered with the host."""

from operator import is_

import jax.numpy as jnp
from jax import Array
from numpyro.distributions import Normal
from numpyro.distributions.kl import kl_divergence

from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr.distributions._parameters import is_shared
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.exp_igr import ExpIGR
from numpyro_igr.distributions.flow import IGRFlow
from numpyro_igr.distributions.igr import IGR
from numpyro_igr.distributions.stick_breaking import IGRStickBreaking


@kl_divergence.register(ExpIGR, ExpIGR)
@kl_divergence.register(IGR, IGR)
def _kl_softmax_plus_plus(p: IGR | ExpIGR, q: IGR | ExpIGR) -> Array:
    r"""KL(p || q) in nats, exact at unequal temperatures and deltas as well.

    The point z has the coordinates :math:`y_q = (\tau_q / \tau_p) y_p
    + \tau_q (\log \delta_q - \log \delta_p)`: an affine map, so both laws are
    Gaussian in :math:`y_q`. The paper states equal temperatures only.
    """
    shift = q.temperature * (jnp.log(q.delta) - jnp.log(p.delta))
    return _kl_in_coordinates_of_q(p, q, q.temperature / p.temperature, shift)


@kl_divergence.register(IGRStickBreaking, IGRStickBreaking)
def _kl_stick_breaking(p: IGRStickBreaking, q: IGRStickBreaking) -> Array:
    r"""KL(p || q) in nats; "sticks" at any temperatures, the others at equal ones.

    For "sticks" :math:`y_q = (\tau_q / \tau_p) y_p`. For the others the map between
    unequal temperatures is not affine, and the Gaussian form would be wrong.
    """
    if p.tempering != q.tempering:
        raise NotImplementedError(
            f"no closed-form KL between temperings {p.tempering} and {q.tempering}: "
            "give model and guide the same, or estimate it, as Trace_ELBO does"
        )
    ratio = q.temperature / p.temperature
    if p.tempering != "sticks":
        _require_equal_temperatures(p, q)
        ratio = jnp.ones_like(ratio)
    return _kl_in_coordinates_of_q(p, q, ratio, jnp.zeros_like(ratio))


@kl_divergence.register(IGRFlow, IGRFlow)
def _kl_flow(p: IGRFlow, q: IGRFlow) -> Array:
    """KL(p || q) in nats, that of the Gaussians, where the maps are the same."""
    same_flow = len(p.flow) == len(q.flow) and all(map(is_, p.flow, q.flow))
    held = (p.temperature, q.temperature), (p.delta, q.delta)
    given = zip(p.given, q.given, strict=True)
    if not (same_flow and all(map(is_shared, given, held))):
        raise NotImplementedError(
            "IGRFlow has a closed-form KL only between laws of the same flow, the same "
            "object, and of the same temperature and delta: build both from these "
            "objects, or estimate it, as Trace_ELBO does"
        )
    ratio = jnp.ones_like(q.temperature)
    return _kl_in_coordinates_of_q(p, q, ratio, 0 * ratio)


@kl_divergence.register(GaussianPushforward, GaussianPushforward)
def _no_kl(p: GaussianPushforward, q: GaussianPushforward) -> Array:
    """Of two families that have no map in common."""
    raise NotImplementedError(
        f"no closed-form KL between {type(p).__name__} and {type(q).__name__}: give "
        "model and guide the same family, or estimate it, as Trace_ELBO does"
    )


def _kl_in_coordinates_of_q(
    p: GaussianPushforward, q: GaussianPushforward, ratio: Array, shift: Array
) -> Array:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "expected laws over the same number of categories, "
            f"got {p.event_shape[0]} and {q.event_shape[0]}"
        )
    ratio, shift = jnp.expand_dims(ratio, -1), jnp.expand_dims(shift, -1)
    gaussians, dtype = in_full_precision(p.loc, p.scale, q.loc, q.scale)
    p_loc, p_scale, q_loc, q_scale = gaussians
    p_y = Normal(ratio * p_loc + shift, ratio * p_scale, validate_args=False)
    q_y = Normal(q_loc, q_scale, validate_args=False)
    batch_shape = jnp.broadcast_shapes(p.batch_shape, q.batch_shape)
    kl = kl_divergence(p_y, q_y).sum(-1).astype(dtype)
    return jnp.broadcast_to(kl, batch_shape)


def _require_equal_temperatures(p: IGRStickBreaking, q: IGRStickBreaking) -> None:
    given = p.given_temperature, q.given_temperature
    if not is_shared(given, (p.temperature, q.temperature)):
        raise NotImplementedError(
            f'tempering "{p.tempering}" has a closed-form KL only between laws of the '
            "same temperature, the same object or concrete and equal: share it, use "
            'tempering "sticks", or estimate it, as Trace_ELBO does'
        )
