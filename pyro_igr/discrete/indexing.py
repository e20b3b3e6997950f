"""Rows of a table by a category, be it an integer, one-hot or relaxed."""

import warnings

import torch
from torch import Tensor

from pyro_igr._host import (
    is_all_true,
    is_compiling,
    is_tracing,
    validates_by_default,
)
from pyro_igr._numerics.checks import refuse_complex
from pyro_igr._numerics.tensors import as_tensor

NO_VECTOR = (
    "expected a last dimension of {} in z, one for each row of table, got shape {}: "
    "pass event_dim=0 if z holds numbers, as of a Bernoulli or a Poisson; if table has "
    "samples to the left of its rows, write z @ table, or "
    "(z * table[..., None, :]).sum(-1) if the rows are numbers"
)
ONE_HOT = (
    "z holds integers, one-hot along its last dimension, which is as long as table, "
    "and each of them is taken as the number of a row: pass event_dim=1 if they are "
    "one-hot vectors, and event_dim=0 if they are numbers"
)


def lookup(
    table: Tensor, z: Tensor | float, *, low: int = 0, event_dim: int | None = None
) -> Tensor:
    r"""Rows of a table, chosen by the value of a discrete, enumerated or relaxed site.

    .. math:: \text{table}_z \quad \text{or} \quad \sum_k z_k \, \text{table}_k

    the first for an integer, the second for a vector, one-hot or relaxed. A one-hot
    vector of a real dtype gives the same as its integer. So a model with
    ``lookup(probs, z)`` in place of ``probs[z]`` runs and can be enumerated as before,
    and it can be relaxed with ``relax(model, temperature, one_hot={"z"})``.

    Each integer chooses a row. For one-hot vectors of integers, as labels may be or the
    values of NumPyro's ``Multinomial(1, probs)``, pass ``event_dim=1``: without it they
    are taken as numbers of rows, with a warning if there are more than two rows and the
    values are known, as they are not under jit.

    Where a table has an axis for each of two sites, multiply by one-hot vectors:
    ``einsum("...j, ...k, jk -> ...", z, u, table)``. In ``lookup(table, z)`` the batch
    of z is on the left, so that a second lookup would choose among data.

    With ``event_dim=0`` z is a number, as of a Bernoulli or a Poisson. If it is relaxed
    to a real number, rows are interpolated linearly between integers.

    In Pyro a table that is drawn itself, such as the means of components, has samples
    to the left of its rows where these have a dimension. Multiply there, with the rows
    in the last plate: write ``(z * table[..., None, :]).sum(-1)`` if they are numbers,
    and ``z @ table`` if they are vectors. So where the entries of a row lie in a plate,
    as the times of a change point: write ``(z * table.T).sum(-1)``.

    Shape:
        ``table``: ``(K,) + rest``; z: ``batch`` for numbers, ``batch + (K,)`` for
        vectors; result ``batch + rest``.

    Args:
        table: the rows; finite, unless integers choose them.
        z: the value of a site. By default integers choose rows, and real numbers are
            entries of vectors; see ``event_dim``.
        low: the number that chooses the first row, as for a ``DiscreteUniform``.
        event_dim: 0 for numbers, 1 for vectors; by the dtype of z if None.

    Raises:
        TypeError: if an argument is complex.
        ValueError: if shapes do not fit or, under the host's validation, if a number
            chooses no row, or a vector is not in the simplex.

    Source:
        Not in the paper.

    Example:
        >>> import torch
        >>> from pyro_igr import lookup
        >>> table = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
        >>> lookup(table, torch.tensor(1))
        tensor([2., 3.])
        >>> lookup(table, torch.tensor([0.5, 0.5]))
        tensor([1., 2.])
    """
    refuse_complex(table=table, z=z)
    table = as_tensor(table)
    z = torch.as_tensor(z, device=table.device)
    is_told = event_dim is not None or low != 0
    is_real = z.is_floating_point()
    event_dim = int(is_real) if event_dim is None else event_dim
    _check_shapes(table, z, event_dim)
    _check_values(table, z, low, event_dim)
    if not (is_told or is_real):
        _warn_of_one_hot(z, table.shape[0])
    if event_dim == 1:
        dtype = torch.promote_types(table.dtype, z.dtype)
        return torch.tensordot(z.to(dtype), table.to(dtype), dims=1)
    return _between(table, z - low) if is_real else table[z.long() - low]


def _between(table: Tensor, position: Tensor) -> Tensor:
    """The rows at real positions, by the two that they lie between."""
    last = table.shape[0] - 1
    below = position.detach().floor().clamp(0, max(last - 1, 0)).long()
    above = (below + 1).clamp(max=last)
    share = (position - below).reshape((*position.shape, *[1] * (table.dim() - 1)))
    return (1 - share) * table[below] + share * table[above]


def _check_shapes(table: Tensor, z: Tensor, event_dim: int) -> None:
    if table.dim() == 0:
        raise ValueError("expected table to have rows, got a number")
    if event_dim not in (0, 1):
        raise ValueError(f"expected event_dim to be 0 or 1, got {event_dim}")
    if event_dim == 1 and z.shape[-1:] != table.shape[:1]:
        raise ValueError(NO_VECTOR.format(table.shape[0], tuple(z.shape)))


def _check_values(table: Tensor, z: Tensor, low: int, event_dim: int) -> None:
    if not validates_by_default():
        return
    if event_dim == 1:
        inside = (z >= 0).all(-1) & ((z.sum(-1) - 1).abs() < 1e-3)
        if not is_all_true(inside):
            raise ValueError(f"expected z to be in the simplex, got {z}")
    elif not is_all_true((z >= low) & (z <= low + table.shape[0] - 1)):
        last = low + table.shape[0] - 1
        raise ValueError(f"expected z to be from {low} to {last}, got {z}")
    is_mixed = event_dim == 1 or z.is_floating_point()
    if is_mixed and not is_all_true(table.isfinite()):
        raise ValueError(f"expected table to be finite, got {table}")


# Of two rows, a pair of integers is as often a batch, or the values of an enumeration.
def _warn_of_one_hot(z: Tensor, num_rows: int) -> None:
    if is_tracing() or is_compiling() or num_rows <= 2:
        return
    if z.shape[-1:] == (num_rows,) and z.numel() > 0:
        if is_all_true((z >= 0).all(-1) & (z.sum(-1) == 1)):
            warnings.warn(ONE_HOT, stacklevel=3)
