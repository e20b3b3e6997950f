"""Samples of a guide, a chunk at a time, and their weights."""

from collections.abc import Callable
from typing import NamedTuple
from zlib import crc32

from jax import Array, lax, random
from numpyro.handlers import replay, seed, trace

from numpyro_igr._host import Messenger
from numpyro_igr.handlers._same_size import SameSizeMessenger
from numpyro_igr.infer._data_plates import Plates, Trace, log_weight


class Programs(NamedTuple):
    """A model, a guide, and what both are called with."""

    model: Callable
    guide: Callable
    args: tuple
    kwargs: dict

    def run(self, key: Array, within: Callable = lambda fn: fn) -> tuple[Trace, Trace]:
        """The traces of the model and of the guide, within a handler."""
        of_guide, of_model = random.split(key)
        guide = trace(seed(within(self.guide), of_guide))
        drawn = guide.get_trace(*self.args, **self.kwargs)
        replayed = replay(seed(within(self.model), of_model), drawn)
        model = trace(SameSizeMessenger(drawn)(replayed))
        return model.get_trace(*self.args, **self.kwargs), drawn


def weigh(
    key: Array, programs: Programs, num_samples: int, chunk_size: int, plate: Plates
) -> Array:
    """Log importance weights of each datum.

    Args:
        key: the random key.
        programs: with one-hot sites.
        num_samples: of the guide.
        chunk_size: how many of them at once.
        plate: of the data.
    """
    key, subsample_key = random.split(key)

    def fixed(fn: Callable) -> Callable:
        return _SubsampleMessenger(fn, subsample_key)

    def of_one(key: Array) -> Array:
        return log_weight(*programs.run(key, fixed), plate)

    keys = random.split(key, num_samples)
    return lax.map(of_one, keys, batch_size=min(chunk_size, num_samples))


class _SubsampleMessenger(Messenger):
    """Draws the indices of each subsampled plate by the same key in all samples."""

    def __init__(self, fn: Callable, key: Array) -> None:
        super().__init__(fn)
        self.key = key

    def process_message(self, msg: dict) -> None:
        if msg["type"] == "plate" and msg["value"] is None:
            number = crc32(msg["name"].encode())
            msg["kwargs"]["rng_key"] = random.fold_in(self.key, number)
