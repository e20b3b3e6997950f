"""Draws of what lies within the plates of the data, several times for each of them."""

from collections.abc import Container

from pyro.poutine.messenger import Messenger

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.infer._plates import check_nesting
from pyro_igr.infer.discrete_iwae._elements import Frames, frames_of


class DrawMessenger(Messenger):
    """Draws samples: left of all plates in Pyro, by their key in NumPyro.

    Sites outside of the plates are drawn once.
    """

    def __init__(
        self,
        num_samples: int,
        max_plate_nesting: int,
        plates: Frames,
        given: Container[str] = (),
    ) -> None:
        super().__init__()
        self.num_samples, self.max_plate_nesting = num_samples, max_plate_nesting
        self.plates, self.given = plates, given
        self.drawn: int | None = None

    def _pyro_sample(self, msg: Message) -> None:
        is_drawn = msg["value"] is None and msg["name"] not in self.given
        if is_drawn and not site_is_subsample(msg) and self.plates <= frames_of(msg):
            if not self.given:
                check_nesting(msg, self.max_plate_nesting, self.drawn)
            self.drawn = self.num_samples
            missing = self.max_plate_nesting - len(msg["fn"].batch_shape)
            shape = (self.num_samples, *[1] * missing) if missing >= 0 else ()
            msg["value"] = msg["fn"](shape)
