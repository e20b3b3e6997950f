"""KL divergences of the countable distributions, registered with the host."""

from typing import cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from numpyro.distributions import Distribution
from numpyro.distributions.kl import kl_divergence

from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr._typed import Normal
from numpyro_igr.distributions._parameters import is_shared
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions._tail import given_sticks, tail_stick
from numpyro_igr.distributions.gem import GEM
from numpyro_igr.distributions.infinite import InfiniteIGR
from numpyro_igr.distributions.stick_breaking import IGRStickBreaking


@kl_divergence.register(InfiniteIGR, InfiniteIGR)
def _kl_infinite(p: InfiniteIGR, q: InfiniteIGR) -> Array:
    """KL(p || q) in nats, over the sticks that either distribution gives.

    Sticks are independent, and beyond those it gives each distribution follows its
    tail; these must be the same, so that beyond the sticks of both there is no
    difference. It is of sticks before any truncation, which is a function of them:
    where ``rho`` differs the bound is that of a model which truncates as the guide
    does.
    """
    _require_own_map(p, InfiniteIGR)
    _require_own_map(q, InfiniteIGR)
    _require_same_tail(p, q)
    shared = min(p.num_sticks, q.num_sticks)
    pairs = [
        (given_sticks(p, 0, shared), given_sticks(q, 0, shared)),
        (given_sticks(p, shared), tail_stick(q.tail, q.temperature)),
        (tail_stick(p.tail, p.temperature), given_sticks(q, shared)),
    ]
    kl = cast(Array, sum(_kl_of_sticks(*pair) for pair in pairs))
    return _over_batch(_in_own_type(kl, p.loc, p.scale, q.loc, q.scale), p, q)


@kl_divergence.register(InfiniteIGR, GEM)
def _kl_to_gem(p: InfiniteIGR, q: GEM) -> Array:
    """KL(p || q) in nats, over the given sticks of p: its tail must be q itself."""
    _require_own_map(p, InfiniteIGR)
    if not _is_gem_alike(p.tail, q):
        raise NotImplementedError(
            "no closed-form KL to a GEM unless it is the tail: of the same "
            "concentration, the same object or concrete and equal; pass it as the tail"
        )
    kl = _kl_of_sticks(given_sticks(p), q.stick())
    return _over_batch(_in_own_type(kl, p.loc, p.scale, q.concentration), p, q)


@kl_divergence.register(IGRStickBreaking, GEM)
def _kl_stick_breaking_to_gem(p: IGRStickBreaking, q: GEM) -> Array:
    """KL(p || q) in nats, over the sticks of p: those beyond are taken to be of q."""
    _require_own_map(p, IGRStickBreaking)
    if p.tempering != "sticks":
        raise NotImplementedError(
            f'no closed-form KL from tempering "{p.tempering}" to a GEM: use tempering '
            '"sticks" or InfiniteIGR, or estimate it, as Trace_ELBO does'
        )
    kl = _kl_of_sticks(given_sticks(p), q.stick())
    return _over_batch(_in_own_type(kl, p.loc, p.scale, q.concentration), p, q)


# Compiled as one program, also where it is called outside of jit.
@jax.jit
def _kl_of_sticks(p: Distribution, q: Distribution) -> Array:
    return kl_divergence(p, q).sum(-1)


def _in_own_type(kl: Array, *parameters: ArrayLike) -> Array:
    return kl.astype(in_full_precision(*parameters)[1])


def _over_batch(kl: Array, p: Distribution, q: Distribution) -> Array:
    return jnp.broadcast_to(kl, jnp.broadcast_shapes(p.batch_shape, q.batch_shape))


def _require_own_map(p: GaussianPushforward, family: type) -> None:
    if type(p)._transform is not family._transform:
        raise NotImplementedError(
            f"no closed-form KL of the sticks of {type(p).__name__}, whose map is not "
            f"that of {family.__name__}: register one, or estimate it, as Trace_ELBO "
            "does"
        )


def _require_same_tail(p: InfiniteIGR, q: InfiniteIGR) -> None:
    if not (_is_gem_alike(p.tail, q.tail) or _is_normal_alike(p, q)):
        raise NotImplementedError(
            "no closed-form KL between distributions with different tails: expected "
            "the same temperature and Normal, or the same GEM, each the same object "
            "or concrete and equal; give the guide the tail and the temperature of "
            "the model"
        )


def _is_gem_alike(p: object, q: object) -> bool:
    return (
        isinstance(p, GEM)
        and isinstance(q, GEM)
        and is_shared(
            (p.given_concentration, q.given_concentration),
            (p.concentration, q.concentration),
        )
    )


def _is_normal_alike(p: InfiniteIGR, q: InfiniteIGR) -> bool:
    if isinstance(p.tail, GEM) or isinstance(q.tail, GEM):
        return False
    (p_loc, p_scale), (q_loc, q_scale) = _moments(p.tail), _moments(q.tail)
    return (
        p.shares(q, "temperature")
        and is_shared((p_loc, q_loc), (p_loc, q_loc))
        and is_shared((p_scale, q_scale), (p_scale, q_scale))
    )


def _moments(tail: Normal | None) -> tuple[ArrayLike, ArrayLike]:
    return (0.0, 1.0) if tail is None else (tail.loc, tail.scale)
