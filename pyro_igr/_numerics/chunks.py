"""Functions of a batch, some members at a time, in as much memory as these take."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pyro_igr._host import is_compiling, is_tracing, transformation
from pyro_igr._numerics.shapes import broadcast_shapes

# The most numbers in the largest arrays of a chunk, which is fastest where these stay
# in the cache; and in those of a batch that is left whole, as the memory that chunks
# would save is not worth a second evaluation.
CHUNK, WHOLE = 2**20, 2**21


def by_chunks(fn: Callable, width: int, *arrays: Tensor) -> Tensor:
    """What a function returns for a batch, whose members do not concern each other.

    A batch that is small is left whole. Else each chunk is evaluated again for its
    gradient, so that no more than one is held. A batch that ``vmap`` adds is not seen.

    Shape:
        ``arrays`` and result: ``batch + (m,)``, each of its own m, broadcast.

    Args:
        fn: the function.
        width: how many numbers there are for each member in its largest arrays.
        arrays: its arguments.
    """
    batch = broadcast_shapes(*(x.shape[:-1] for x in arrays))
    # Inside of these, PyTorch cannot evaluate a chunk again.
    is_plain = transformation() is None and not is_tracing() and not is_compiling()
    count = batch.numel()
    if count <= 1 or count * width <= WHOLE or not is_plain:
        return fn(*arrays)
    size = max(1, CHUNK // width)
    whole = (x.expand(*batch, x.shape[-1]) for x in arrays)
    chunks = (x.reshape(-1, x.shape[-1]).split(size) for x in whole)
    results = [
        checkpoint(fn, *chunk, use_reentrant=False, preserve_rng_state=False)
        for chunk in zip(*chunks, strict=True)
    ]
    return torch.cat(results).reshape(*batch, -1)
