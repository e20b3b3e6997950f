"""Rows of a table by a category, be it an integer, one-hot or relaxed."""

import warnings

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from numpyro_igr._host import not_jax_tracer, validates_by_default
from numpyro_igr._numerics.checks import refuse_complex

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
    table: ArrayLike, z: ArrayLike, *, low: int = 0, event_dim: int | None = None
) -> Array:
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
        >>> import jax.numpy as jnp
        >>> from numpyro_igr import lookup
        >>> table = jnp.array([[0.0, 1.0], [2.0, 3.0]])
        >>> lookup(table, jnp.array(1))
        Array([2., 3.], dtype=float32)
        >>> lookup(table, jnp.array([0.5, 0.5]))
        Array([1., 2.], dtype=float32)
    """
    refuse_complex(table=table, z=z)
    table, z = jnp.asarray(table), jnp.asarray(z)
    is_told = event_dim is not None or low != 0
    is_real = jnp.issubdtype(z.dtype, jnp.floating)
    event_dim = int(is_real) if event_dim is None else event_dim
    _check_shapes(table, z, event_dim)
    _check_values(table, z, low, event_dim)
    if not (is_told or is_real):
        _warn_of_one_hot(z, table.shape[0])
    if event_dim == 1:
        return jnp.tensordot(z, table, 1, precision="highest")
    return _between(table, z - low) if is_real else _rows(table, z.astype(int) - low)


def _rows(table: Array, index: Array) -> Array:
    """The rows of an index; nan where there is none, as cannot be checked under jit."""
    index = jnp.where(index < 0, table.shape[0], index)
    return table.at[index].get(mode="fill")


def _between(table: Array, position: Array) -> Array:
    """The rows at real positions, by the two that they lie between."""
    last = table.shape[0] - 1
    fixed = lax.stop_gradient(position)
    below = jnp.clip(jnp.floor(fixed), 0, max(last - 1, 0)).astype(int)
    above = jnp.minimum(below + 1, last)
    share = jnp.where((fixed >= 0) & (fixed <= last), position - below, jnp.nan)
    share = share.reshape(*position.shape, *[1] * (table.ndim - 1))
    return (1 - share) * table[below] + share * table[above]


def _check_shapes(table: Array, z: Array, event_dim: int) -> None:
    if table.ndim == 0:
        raise ValueError("expected table to have rows, got a number")
    if event_dim not in (0, 1):
        raise ValueError(f"expected event_dim to be 0 or 1, got {event_dim}")
    if event_dim == 1 and z.shape[-1:] != table.shape[:1]:
        raise ValueError(NO_VECTOR.format(table.shape[0], z.shape))


def _check_values(table: Array, z: Array, low: int, event_dim: int) -> None:
    if not validates_by_default():
        return
    if not_jax_tracer(z):
        _check_value(np.asarray(z), low, low + table.shape[0] - 1, event_dim)
    is_mixed = event_dim == 1 or jnp.issubdtype(z.dtype, jnp.floating)
    if is_mixed and not_jax_tracer(table) and not np.isfinite(table).all():
        raise ValueError(f"expected table to be finite, got {table}")


def _check_value(z: np.ndarray, low: int, last: int, event_dim: int) -> None:
    if event_dim == 1:
        if not ((z >= 0).all() and (abs(z.sum(-1) - 1) < 1e-3).all()):
            raise ValueError(f"expected z to be in the simplex, got {z}")
    elif not ((z >= low) & (z <= last)).all():
        raise ValueError(f"expected z to be from {low} to {last}, got {z}")


# Of two rows, a pair of integers is as often a batch, or the values of an enumeration.
def _warn_of_one_hot(z: Array, num_rows: int) -> None:
    if not not_jax_tracer(z) or num_rows <= 2:
        return
    if z.shape[-1:] == (num_rows,) and z.size > 0:
        values = np.asarray(z)
        if ((values >= 0).all(-1) & (values.sum(-1) == 1)).all():
            warnings.warn(ONE_HOT, stacklevel=3)
