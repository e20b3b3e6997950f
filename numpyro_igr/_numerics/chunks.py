"""Functions of a batch, some members at a time, in as much memory as these take."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

# The most numbers in the largest arrays of a chunk, which is fastest where these stay
# in the cache; and in those of a batch that is left whole, as the memory that chunks
# would save is not worth a second evaluation.
CHUNK, WHOLE = 2**20, 2**21


def by_chunks(fn: Callable, width: int, *arrays: Array) -> Array:
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
    batch = jnp.broadcast_shapes(*(x.shape[:-1] for x in arrays))
    count = math.prod(batch)
    if count <= 1 or count * width <= WHOLE:
        return fn(*arrays)
    num_chunks = -(-count // max(1, CHUNK // width))
    size = -(-count // num_chunks)
    padding = (0, num_chunks * size - count), (0, 0)
    whole = (jnp.broadcast_to(x, (*batch, x.shape[-1])) for x in arrays)
    flat = (jnp.pad(x.reshape(count, -1), padding, "edge") for x in whole)
    # Each takes members from all over the batch: devices that share it still do.
    chunks = [x.reshape(size, num_chunks, -1).swapaxes(0, 1) for x in flat]
    again = jax.checkpoint(fn, prevent_cse=False)
    result = lax.map(lambda chunk: again(*chunk), chunks).swapaxes(0, 1)
    return result.reshape(num_chunks * size, -1)[:count].reshape(*batch, -1)
