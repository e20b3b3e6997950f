"""Samples of a guide, a chunk at a time, and their weights."""

from collections.abc import Callable
from typing import Any, NamedTuple
from zlib import crc32

from jax import Array, lax, random
from numpyro.handlers import replay, seed, substitute, trace

from numpyro_igr._host import Messenger, eval_provenance
from numpyro_igr.handlers._same_size import SameSizeMessenger
from numpyro_igr.infer._data_plates import Plates, Trace, log_weight

CHANCE = (
    "site '{}' has another density in each run at the same values, so that weights "
    "would not be of p(x): make dropout deterministic, draw what is random by sample "
    "statements that no handler hides, and pass the parameters of networks as params"
)


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
        traces, given = programs.run(key, fixed), (programs.args, programs.kwargs)
        _check_chance(fixed(programs.model), traces[0], key, *given)
        return log_weight(*traces, plate)

    keys = random.split(key, num_samples)
    return lax.map(of_one, keys, batch_size=min(chunk_size, num_samples))


# The model is traced again, and not run: does its key reach a density?
def _check_chance(model: Callable, sites: Trace, key: Array, *args: Any) -> None:
    """Raises where the model has another density at the same values."""
    values = {n: s["value"] for n, s in sites.items() if s["type"] == "sample"}
    at_values = substitute(model, data=values)

    def log_probs(key: Array) -> dict[str, Array]:
        again = trace(seed(at_values, key)).get_trace(*args[0], **args[1])
        return {n: again[n]["fn"].log_prob(value) for n, value in values.items()}

    for name, causes in eval_provenance(log_probs, key=key).items():
        if causes:
            raise ValueError(CHANCE.format(name))


class _SubsampleMessenger(Messenger):
    """Draws the indices of each subsampled plate by the same key in all samples."""

    def __init__(self, fn: Callable, key: Array) -> None:
        super().__init__(fn)
        self.key = key

    def process_message(self, msg: dict) -> None:
        if msg["type"] == "plate" and msg["value"] is None:
            number = crc32(msg["name"].encode())
            msg["kwargs"]["rng_key"] = random.fold_in(self.key, number)
