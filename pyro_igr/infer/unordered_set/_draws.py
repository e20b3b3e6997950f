"""Draws of one-hot sites apart from the others, and of Gumbels for those."""

from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._numerics.precision import in_full_precision
from pyro_igr._typed import Message
from pyro_igr.infer._plates import check_nesting
from pyro_igr.infer._sites import is_one_hot


class DrawMessenger(Messenger):
    """Draws one-hot sites: left of all plates in Pyro, by their key in NumPyro."""

    def __init__(self, num_samples: int, max_plate_nesting: int) -> None:
        super().__init__()
        self.num_samples, self.max_plate_nesting = num_samples, max_plate_nesting
        self.drawn: int | None = None

    def _pyro_sample(self, msg: Message) -> None:
        if is_one_hot(msg):
            check_nesting(msg, self.max_plate_nesting, self.drawn)
            self.drawn = self.num_samples
            missing = self.max_plate_nesting - len(msg["fn"].batch_shape)
            shape = (self.num_samples, *[1] * missing) if missing >= 0 else ()
            msg["value"] = msg["fn"].sample(shape).detach()


def draw_gumbels(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Independent Gumbels.

    Args:
        shape: of the result.
        like: an array of its type, if that has 32 bits or more.
    """
    (like,), _ = in_full_precision(like)
    return -like.new_empty(shape).exponential_().log()
