"""Integrals over the maximum of Gaussians, one for each that may be the largest."""

from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor

from pyro_igr._host import is_all_true, is_compiling, is_tracing, transformation
from pyro_igr._numerics.bulk_nodes import NUM_BELOW
from pyro_igr._numerics.bulk_terms import (
    NO_BUFFERS,
    Buffers,
    Terms,
    in_shape,
    terms_below,
    terms_inside,
)

# Numbers in an array that stays in the cache, and in the heap: beyond, every step takes
# several times as long.
CHUNK = 2**17
PARTS = (
    (terms_below, slice(None, NUM_BELOW)),
    (terms_inside, slice(NUM_BELOW, None)),
)
# The most Gaussians whose distribution functions are multiplied. In single precision
# the rounding of a longer product shows, and that of a sum of logarithms does not.
MANY = 1000


def log_integrals(loc: Tensor, scale: Tensor, t: Tensor, log_weights: Tensor) -> Tensor:
    r"""Log of :math:`\int F r_k dt` at given nodes, and its derivatives by hand.

    With :math:`u = (t - \mu) / \sigma`, :math:`h = \phi / \Phi` and :math:`w_k` the
    share of a node in the k-th integral,

    .. math:: d \log \int F r_k = \sum_t w_k \Big[(u_k + h_k) \, \delta_k -
              \sum_j h_j \delta_j\Big] - \frac{d \sigma_k}{\sigma_k}, \qquad
              \delta = \frac{d \mu + u \, d \sigma}{\sigma}

    so that nothing is evaluated in a derivative that is not in the value. Derivatives
    of every order are right; nodes and weights are constants to them.

    Shape:
        ``loc``, ``scale`` and result: ``batch + (n,)``; nodes and log weights:
        ``batch + (nodes,)`` in NumPyro. In Pyro n and nodes are the first dimension.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    log_sums = [
        _LogIntegrals.apply(terms_at, loc, scale, t[nodes], log_weights[nodes])
        for terms_at, nodes in _parts_of(loc, t)
    ]
    return reduce(torch.logaddexp, log_sums)


def shares_and_hazards(
    loc: Tensor, scale: Tensor, t: Tensor, log_weights: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r""":func:`log_integrals`, and what their derivatives are made of, at each node.

    That is u, the shares :math:`w_k`, and the hazards :math:`h / \sigma`.

    Shape:
        The first result is as there; in NumPyro nodes are the last dimension but one of
        the others, in Pyro the first.

    Args:
        loc: means of the Gaussians.
        scale: their standard deviations.
        t: nodes.
        log_weights: logs of their weights.
    """
    parts = [
        terms_at(loc, scale, t[nodes], log_weights[nodes])
        for terms_at, nodes in _parts_of(loc, t)
    ]
    log_sums = [_log_sum(part) for part in parts]
    factors = torch.stack(log_sums).softmax(0)
    columns = zip(*map(_factors, parts, factors), strict=True)
    u, hazards, shares = (torch.cat(x) for x in columns)
    log_p = reduce(torch.logaddexp, log_sums) - scale.log()
    return log_p, u, shares, hazards / scale


def _parts_of(loc: Tensor, t: Tensor) -> Sequence[tuple[Callable, slice]]:
    """How to integrate over which nodes: over all if something is below the bulk."""
    if len(loc) > MANY:
        return ((terms_below, slice(None)),)
    return PARTS[1:] if _is_known() and is_all_true(t[0] == 0) else PARTS


def _is_known() -> bool:
    return not is_tracing() and not is_compiling()


class _LogIntegrals(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(terms_at: Callable, *inputs: Tensor) -> Tensor:
        return _by_chunks(_value, terms_at, *inputs)[0]

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:  # noqa: ANN001
        ctx.terms_at, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple:  # noqa: ANN001
        inputs = *ctx.saved_tensors, gradient.contiguous()
        return None, *_by_chunks(_pulled_back, ctx.terms_at, *inputs), None, None

    @staticmethod
    def jvp(ctx, _, d_loc: Tensor, d_scale: Tensor, *__: None) -> Tensor:  # noqa: ANN001
        loc, scale, *_ = ctx.saved_tensors
        terms = ctx.terms_at(*ctx.saved_tensors)
        u, hazards, shares = _factors(terms, torch.ones_like(loc))
        zero = torch.zeros_like(loc)
        d_loc, d_scale = (zero if d is None else d for d in (d_loc, d_scale))
        shift = (d_loc + u * d_scale) / scale
        change = (u + hazards) * shift - (hazards * shift).sum(1, keepdim=True)
        return (shares * change).sum(0) - d_scale / scale


def _by_chunks(
    fn: Callable, terms_at: Callable, loc: Tensor, *others: Tensor
) -> tuple[Tensor, ...]:
    """Results for all members of the batch from those for some at a time."""
    height = max(1, len(others[1]) * len(loc))
    size = max(1, CHUNK // height)
    buffers = NO_BUFFERS
    if _is_known() and not torch.is_grad_enabled() and transformation() is None:
        width = min(size, loc.shape[-1])
        buffers = [loc.new_empty(height * width) for _ in NO_BUFFERS]
    chunks = zip(*(x.split(size, -1) for x in (loc, *others)), strict=True)
    results = [fn(terms_at, buffers, *chunk) for chunk in chunks]
    return tuple(torch.cat(x, -1) for x in zip(*results, strict=True))


def _value(terms_at: Callable, buffers: Buffers, *inputs: Tensor) -> tuple[Tensor]:
    _, scale, *_ = inputs
    return (_log_sum(terms_at(*inputs, buffers)) - scale.log(),)


def _pulled_back(
    terms_at: Callable, buffers: Buffers, *inputs_and_gradient: Tensor
) -> tuple[Tensor, Tensor]:
    *inputs, gradient = inputs_and_gradient
    _, scale, *_ = inputs
    terms = terms_at(*inputs, buffers)
    _, b, c, d = in_shape(buffers, terms.u.shape)
    u, hazards, pull = _factors(terms, gradient, (b, c))
    total = pull.sum(1, keepdim=True)
    pull = torch.mul(pull, torch.add(u, hazards, out=d), out=b)
    pull = torch.sub(pull, torch.mul(hazards, total, out=d), out=b)
    d_scale = torch.mul(pull, u, out=d).sum(0) - gradient
    return pull.sum(0) / scale, d_scale / scale


def _log_sum(x: Terms) -> Tensor:
    return x.terms.sum(0).log() + x.log_term


def _factors(
    x: Terms, factor: Tensor, buffers: Buffers = (None, None)
) -> tuple[Tensor, Tensor, Tensor]:
    """Standardised nodes, hazards at them, and a factor times shares in integrals."""
    b, c = buffers
    shares = torch.mul(x.terms, factor / x.terms.sum(0), out=b)
    return x.u, torch.mul(x.hazards, x.log_hazard.exp(), out=c), shares
