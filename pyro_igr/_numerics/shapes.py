"""Checks that means and standard deviations fit, whose errors name them."""

import torch

Shape = tuple[int, ...]


def check_shapes(loc: Shape, scale: Shape, *, is_matched: bool = False) -> None:
    """Raises unless there are means, and their standard deviations broadcast.

    Args:
        loc: the shape of the means.
        scale: that of the standard deviations.
        is_matched: whether the means are to be found, so that their number is given.

    Raises:
        ValueError: naming both.
    """
    if not loc or not loc[-1]:
        raise ValueError(
            "expected loc to have a last dimension of size K-1 >= 1, got shape "
            f"{tuple(loc)}"
        )
    try:
        size = torch.broadcast_shapes(loc, scale)[-1]
        fits = not is_matched or size == loc[-1]
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            "expected the shapes of the parameters to broadcast, got loc "
            f"{tuple(loc)}, scale {tuple(scale)}"
        )
