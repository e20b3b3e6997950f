"""Matrices that are a diagonal one and one of low rank: solved in linear memory."""

from typing import NamedTuple

import torch
from torch import Tensor


class DiagonalPlusLowRank(NamedTuple):
    r"""The matrix :math:`D + U V^\top`.

    Shape:
        ``diagonal``: ``batch + (n,)``; ``left``, ``right``: ``batch + (n, rank)``.
    """

    diagonal: Tensor
    left: Tensor
    right: Tensor

    def solve(self, vector: Tensor) -> Tensor:
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
        left = self.left / self.diagonal.unsqueeze(-1)
        x = vector / self.diagonal
        right = self.right.transpose(-1, -2)
        identity = torch.eye(left.shape[-1], dtype=left.dtype, device=left.device)
        b = torch.linalg.solve(identity + right @ left, right @ x.unsqueeze(-1))
        return x - (left @ b).squeeze(-1)

    def detach(self) -> "DiagonalPlusLowRank":
        """The matrix without its gradient."""
        return DiagonalPlusLowRank(*(x.detach() for x in self))


def solve(matrix: Tensor | DiagonalPlusLowRank, vector: Tensor) -> Tensor:
    """The solution of a linear system.

    Args:
        matrix: of shape ``batch + (n, n)``, or one that can solve.
        vector: of shape ``batch + (n,)``.
    """
    if isinstance(matrix, DiagonalPlusLowRank):
        return matrix.solve(vector)
    return torch.linalg.solve(matrix, vector)
