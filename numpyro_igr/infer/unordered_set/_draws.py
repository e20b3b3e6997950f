"""Draws of one-hot sites apart from the others, and of Gumbels for those."""

from jax import Array, random

from numpyro_igr._host import Messenger
from numpyro_igr._numerics.precision import in_full_precision
from numpyro_igr.infer._sites import is_one_hot


class DrawMessenger(Messenger):
    """Draws one-hot sites: left of all plates in Pyro, by their key in NumPyro."""

    def __init__(self, key: Array) -> None:
        super().__init__()
        self.key = key

    def process_message(self, msg: dict) -> None:
        if is_one_hot(msg):
            self.key, key = random.split(self.key)
            msg["value"] = msg["fn"].sample(key)


def draw_gumbels(key: Array, shape: tuple[int, ...], like: Array) -> Array:
    """Independent Gumbels.

    Args:
        key: the random key.
        shape: of the result.
        like: an array of its type, if that has 32 bits or more.
    """
    (like,), _ = in_full_precision(like)
    return random.gumbel(key, shape, like.dtype)
