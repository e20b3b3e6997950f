"""A fixed sample of standard normals, the same on every call."""

import jax.numpy as jnp
from jax import Array, random

from numpyro_igr._numerics.checks import check_size


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


def antithetic_noise(num_samples: int, like: Array) -> Array:
    """Standard normal vectors and their negatives, for every member of a batch alike.

    Shape:
        ``like``: ``batch + (n,)``; result ``(num_samples,) + (1,) * batch + (n,)``, in
        its dtype and on its device.

    Args:
        num_samples: the size of the sample, even.
        like: what the noise is to be added to.
    """
    shape = num_samples // 2, *[1] * (like.ndim - 1), like.shape[-1]
    half = random.normal(random.key(0), shape, like.dtype)
    return jnp.concatenate([half, -half])
