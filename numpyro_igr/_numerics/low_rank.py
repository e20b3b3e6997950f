"""Matrices that are a diagonal one and one of low rank: solved in linear memory."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array


class DiagonalPlusLowRank(NamedTuple):
    r"""The matrix :math:`D + U V^\top`.

    Shape:
        ``diagonal``: ``batch + (n,)``; ``left``, ``right``: ``batch + (n, rank)``.
    """

    diagonal: Array
    left: Array
    right: Array

    def solve(self, vector: Array) -> Array:
        r"""The solution of a linear system, in :math:`n \cdot rank^2` operations.

        .. math:: (D + U V^\top)^{-1} b = D^{-1} [b - U (I + V^\top D^{-1} U)^{-1}
                  V^\top D^{-1} b]

        Shape:
            ``batch + (n,)`` to the same.

        Args:
            vector: b.

        Source:
            Woodbury's identity.
        """
        left = self.left / self.diagonal[..., None]
        x = vector / self.diagonal
        identity = jnp.eye(left.shape[-1], dtype=left.dtype)
        inner = identity + jnp.einsum("...kr,...ks->...rs", self.right, left)
        b = jnp.einsum("...kr,...k->...r", self.right, x)
        b = jnp.linalg.solve(inner, b[..., None])
        return x - (left @ b)[..., 0]


def solve(matrix: Array | DiagonalPlusLowRank, vector: Array) -> Array:
    """The solution of a linear system.

    Args:
        matrix: of shape ``batch + (n, n)``, or one that can solve.
        vector: of shape ``batch + (n,)``.
    """
    if isinstance(matrix, DiagonalPlusLowRank):
        return matrix.solve(vector)
    return jnp.linalg.solve(matrix, vector[..., None])[..., 0]
