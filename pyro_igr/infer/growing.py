"""Capacity that grows while a model trains: more sticks, distributed as the tail."""

from collections.abc import Mapping
from functools import partial

import torch
from pyro.optim import PyroOptim
from torch import Tensor
from torch.distributions import Normal
from torch.optim import Optimizer

from pyro_igr._numerics.checks import check_size
from pyro_igr._numerics.tensors import as_tensor
from pyro_igr.distributions import InfiniteIGR
from pyro_igr.distributions._nearest_normal import nearest_normal
from pyro_igr.distributions._tail import tail_stick
from pyro_igr.infer._optimizer_state import change, check_dim


def tail_start(distribution: InfiniteIGR, num_sticks: int) -> tuple[Tensor, Tensor]:
    r"""The ``loc`` and ``scale`` with which further sticks follow the tail.

    For a Normal tail they are those of the tail, so that adding such sticks leaves the
    distribution as it is. The sticks of a GEM are not Gaussian, and these are the
    nearest in KL. The bound loses that KL: .22 nats a stick at a concentration of .1,
    .01 at 1, .066 at 20, and at most .082 beyond.

    Both are differentiable in the concentration of a GEM. In a guide that learns it,
    let each stick follow the tail of the sampled concentration: ``loc + follow *
    tail_loc`` and ``scale * tail_scale``, with a learned ``follow`` that starts at 1.
    Then a stick that no datum has reached carries no information about the
    concentration, while a fixed one would count as if its length had been observed.

    Shape:
        both results ``batch + (num_sticks,)``.

    Args:
        distribution: the distribution that is to get more sticks.
        num_sticks: how many.

    Raises:
        TypeError: if ``num_sticks`` is no integer.
        ValueError: if ``distribution`` is no :class:`InfiniteIGR` or ``num_sticks``
            negative.

    Example:
        >>> import torch
        >>> from pyro_igr import InfiniteIGR, tail_start
        >>> q = InfiniteIGR(0.1, torch.zeros(3), torch.ones(3))
        >>> tail_start(q, 2)
        (tensor([0., 0.]), tensor([1., 1.]))
    """
    if not isinstance(distribution, InfiniteIGR):
        raise ValueError(
            "expected distribution to be an InfiniteIGR, got "
            f"{type(distribution).__name__}"
        )
    check_size(0, num_sticks=num_sticks)
    stick = tail_stick(distribution.tail, distribution.temperature)
    if isinstance(stick, Normal):
        loc, scale = stick.loc, stick.scale
    else:
        loc, scale = nearest_normal(stick.concentration)
    tau = distribution.temperature.unsqueeze(-1)
    shape = *distribution.batch_shape, num_sticks
    return (tau * loc).expand(shape), (tau * scale).expand(shape)


def grow(
    state: PyroOptim | Optimizer, start: Mapping[Tensor | str, Tensor], dim: int = -1
) -> None:
    """Appends entries to parameters in training, and keeps the optimizer's state.

    The moments of the new entries are zero; those of the others and the number of steps
    are kept. If new sticks start at the tail (:func:`tail_start`), a Normal tail leaves
    the bound unchanged up to rounding, and a GEM tail lowers it by a small KL for each.
    In PyTorch and Pyro parameters grow in place. In NumPyro a new state is returned;
    call this outside of jit. Functions of the state are then compiled again, so double
    the capacity rather than add single sticks.

    Args:
        state: the optimizer in PyTorch and Pyro, the ``SVIState`` in NumPyro.
        start: parameter to new entries. A parameter is given by its name or, in
            PyTorch, itself; entries are in the unconstrained coordinates of the
            optimizer: the log of a positive scale.
        dim: the dimension along which to append.

    Returns:
        in NumPyro the new state; in PyTorch and Pyro None, as ``state`` has changed.

    Raises:
        ValueError: if a start does not fit its parameter, or if the optimizer keeps
            moments of another shape than that; then none is changed.

    Example:
        >>> import torch
        >>> from pyro_igr import grow
        >>> means = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
        >>> optimizer = torch.optim.Adam([means])
        >>> grow(optimizer, {means: torch.zeros(1)})
        >>> means.tolist()
        [3.0, 4.0, 0.0]
    """
    changes = {}
    for parameter, values in start.items():
        new = as_tensor(values)
        append = partial(_append, parameter, new, dim)
        changes[parameter] = append, partial(_pad, new, dim)
    change(state, changes)


def _append(parameter: Tensor | str, values: Tensor, dim: int, x: Tensor) -> Tensor:
    _check_fit(parameter, x.shape, values.shape, dim)
    return torch.cat([x, values.to(x)], dim)


def _pad(values: Tensor, dim: int, x: Tensor) -> Tensor:
    return torch.cat([x, x.new_zeros(values.shape)], dim)


def _check_fit(key: object, shape: torch.Size, new: torch.Size, dim: int) -> None:
    check_dim(shape, dim)
    expected = [*shape]
    if len(new) == len(shape):
        expected[dim] = new[dim]
    if list(new) != expected:
        name = key if isinstance(key, str) else "a parameter"
        raise ValueError(
            f"expected the start of {name} to have shape {tuple(shape)} but for "
            f"dimension {dim}, got {tuple(new)}"
        )
