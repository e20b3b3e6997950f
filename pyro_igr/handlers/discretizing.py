"""An effect handler that recovers the discrete model behind a relaxed one."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pyro.poutine.messenger import Messenger

from pyro_igr._typed import Distribution, Message, RelaxedOneHotCategorical
from pyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from pyro_igr.distributions._pushforward import GaussianPushforward
from pyro_igr.distributions.recovering import innermost, is_of_log, recover
from pyro_igr.handlers._module_programs import like_program
from pyro_igr.handlers._programs import check_program

P = ParamSpec("P")
R = TypeVar("R")

FIXED = (
    "a handler such as replay gives site '{}' its value before it is discretized, "
    "and that is a relaxed one: apply that handler, with one-hot values, to the "
    "discretized program"
)


def discretize(fn: Callable[P, R]) -> Callable[P, R]:
    """Turns every latent IGR site of a model or guide into a one-hot site.

    Each becomes a ``OneHotCategorical`` with the probabilities of the discrete
    distribution that it relaxes, inside its plates, scales and masks; sites of
    ``RelaxedOneHotCategorical`` do too. Observed sites and other distributions are left
    as they are. This undoes :func:`relax`. Discretize both model and guide, and the
    host's engines evaluate the discrete model: ``Trace_ELBO`` gives its evidence lower
    bound, ``RenyiELBO(alpha=0)`` its importance-weighted bound. A site that ``block``
    hides within the program stays relaxed: hide it in the discretized one.

    Args:
        fn: a model or a guide.

    Raises:
        TypeError: if ``fn`` is no program.
        ValueError: at a relaxed site whose discrete distribution has values of another
            form, or to which another handler gave a relaxed value.

    Example:
        >>> import pyro, torch
        >>> from pyro_igr import IGR, discretize
        >>> def model():
        ...     return pyro.sample("z", IGR(0.5, torch.zeros(2), torch.ones(2)))
        >>> sorted(discretize(model)().tolist())
        [0.0, 0.0, 1.0]
    """
    check_program(fn=fn)
    return like_program(DiscretizeMessenger()(fn), fn)


class DiscretizeMessenger(Messenger):
    """The handler behind :func:`discretize`, also usable as a context manager."""

    def _pyro_sample(self, msg: Message) -> None:
        if not msg["is_observed"]:
            dist = _discretized(msg["fn"], msg["name"])
            if dist is not msg["fn"] and msg["value"] is not None:
                raise ValueError(FIXED.format(msg["name"]))
            msg["fn"] = dist


def _discretized(dist: Distribution, site: str) -> Distribution:
    if is_of_log(dist):
        raise ValueError(
            f"expected a distribution of z at site '{site}', but the value of "
            f"{type(innermost(dist)).__name__} is log z: write the site with IGR or "
            "RelaxedOneHotCategorical to discretize it"
        )
    relaxed = GaussianPushforward | RelaxedOneHotCategorical | OneHotWithGradient
    return recover(dist) if isinstance(innermost(dist), relaxed) else dist
