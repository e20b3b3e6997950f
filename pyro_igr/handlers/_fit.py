"""Whether the arguments of a relaxation are what they should be, and fit a site."""

from collections.abc import Callable
from math import prod

from torch import Size, Tensor
from torch.distributions import Distribution as AnyDistribution

from pyro_igr._numerics.checks import check_positive, check_size
from pyro_igr._numerics.shapes import broadcast_shapes
from pyro_igr._numerics.tensors import as_tensor
from pyro_igr._typed import Distribution
from pyro_igr.distributions.recovering import innermost

FAMILY = (
    "expected family to be a class of distributions, or a function of a temperature "
    "and logits that returns one, got {}"
)


def check_family(family: Callable[..., Distribution]) -> None:
    """Raises if that is no family, or its value would be log z in the place of z.

    Args:
        family: a class, or what makes a member from a temperature and logits.
    """
    if isinstance(family, AnyDistribution) or not callable(family):
        raise TypeError(FAMILY.format(repr(family)))
    if getattr(family, "value_is_log", False):
        raise ValueError(
            "expected family to be one whose value is z, for a program that takes a "
            f"one-hot vector; got {family.__name__}, whose value is log z"
        )


def check_flag(**given: bool) -> None:
    """Raises unless the arguments are True or False.

    Args:
        given: flags by name.
    """
    for name, flag in given.items():
        if not isinstance(flag, bool):
            raise TypeError(f"expected {name} to be True or False, got {flag!r}")


def check_num_sticks(num_sticks: int | None) -> None:
    """Raises unless a number of sticks is a positive integer, or None.

    Args:
        num_sticks: as in :class:`IGRReparam`.
    """
    if num_sticks is not None:
        check_size(num_sticks=num_sticks)


def check_temperature(
    temperature: Tensor | float | Callable[..., Tensor | float],
) -> None:
    """Raises unless a temperature is positive; what a function returns is not known.

    Args:
        temperature: a number, an array of them, or a function that returns either.
    """
    if not callable(temperature):
        check_positive(temperature=temperature)


def check_temperature_fits(
    name: str, temperature: Tensor | float, fn: Distribution
) -> None:
    """Raises unless a temperature is one for each element of the batch of a site.

    Args:
        name: of the site.
        temperature: a number, or an array of them.
        fn: the distribution of the site.
    """
    batch = tuple(fn.shape()[: len(fn.shape()) - innermost(fn).event_dim])
    shape = tuple(as_tensor(temperature).shape)
    try:
        is_within = prod(broadcast_shapes(Size(shape), Size(batch))) == prod(batch)
    except RuntimeError:
        is_within = False
    if not is_within:
        raise ValueError(
            "expected temperature to be a number, or one for each element of the batch "
            f"at site '{name}', whose shape is {batch}, got shape {shape}"
        )


def check_batch(name: str, made: Distribution, fn: Distribution) -> None:
    """Raises if what a family made has another batch than it was made for.

    Args:
        name: of the site.
        made: the member of the family.
        fn: the distribution of the site.
    """
    if prod(made.batch_shape) != prod(fn.batch_shape):
        raise ValueError(
            f"expected family to keep the batch at site '{name}', whose shape is "
            f"{tuple(fn.batch_shape)}, got {tuple(made.batch_shape)}"
        )
