"""Draws of what lies within the plates of the data, several times for each of them."""

from jax import Array, random

from numpyro_igr._host import Messenger
from numpyro_igr.handlers._relaxed_sites import is_latent
from numpyro_igr.infer.discrete_iwae._elements import Frames, frames_of


class DrawMessenger(Messenger):
    """Draws samples: left of all plates in Pyro, by their key in NumPyro.

    Sites outside of the plates are drawn once.
    """

    def __init__(self, key: Array, plates: Frames) -> None:
        super().__init__()
        self.key, self.plates = key, plates

    def process_message(self, msg: dict) -> None:
        is_loop = msg["type"] == "control_flow"
        if is_loop or (is_latent(msg) and self.plates <= frames_of(msg)):
            self.key, msg["kwargs"]["rng_key"] = random.split(self.key)
