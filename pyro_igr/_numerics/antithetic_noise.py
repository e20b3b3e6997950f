"""A fixed sample of standard normals, the same on every call."""

from typing import Any

import torch
from torch import Tensor

from pyro_igr._numerics.checks import check_size


def check_pairs(num_samples: int) -> None:
    """Raises unless a sample of this size is made of pairs.

    Args:
        num_samples: the size of the sample.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is not positive and even.
    """
    check_size(num_samples=num_samples)
    if num_samples % 2:
        raise ValueError(f"expected num_samples to be even, got {num_samples}")


def antithetic_noise(num_samples: int, like: Tensor) -> Tensor:
    """Standard normal vectors and their negatives, for every member of a batch alike.

    Shape:
        ``like``: ``batch + (n,)``; result ``(num_samples,) + (1,) * batch + (n,)``, in
        its dtype and on its device.

    Args:
        num_samples: the size of the sample, even.
        like: what the noise is to be added to.
    """
    return _Fixed.apply(like.detach(), num_samples)


# A function of its own, since vmap refuses all random numbers, be they the same.
class _Fixed(torch.autograd.Function):
    @staticmethod
    def forward(like: Tensor, num_samples: int) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        shape = num_samples // 2, *[1] * (like.dim() - 1), like.shape[-1]
        of_cpu = {"device": generator.device, "dtype": torch.float64}
        half = torch.randn(shape, generator=generator, **of_cpu).to(like)
        return torch.cat([half, -half])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], noise: Tensor) -> None:
        ctx.mark_non_differentiable(noise)

    @staticmethod
    def vmap(
        info: Any, dims: tuple[int, None], like: Tensor, num_samples: int
    ) -> tuple[Tensor, None]:
        return antithetic_noise(num_samples, like.select(dims[0], 0)), None
