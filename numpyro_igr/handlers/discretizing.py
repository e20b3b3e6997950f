"""An effect handler that recovers the discrete model behind a relaxed one."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from numpyro.distributions import Distribution

from numpyro_igr._host import Messenger
from numpyro_igr.distributions import RelaxedOneHotCategorical
from numpyro_igr.distributions._one_hot_with_gradient import OneHotWithGradient
from numpyro_igr.distributions._pushforward import GaussianPushforward
from numpyro_igr.distributions.recovering import innermost, is_of_log, recover
from numpyro_igr.handlers._programs import check_program

P = ParamSpec("P")
R = TypeVar("R")

SCANNED = (
    "site '{}' has its value already, from a scan or a cond: draw it before a cond, "
    "or discretize the step of the scan instead, scan(discretize(step), ...)"
)

FIXED = (
    "a handler such as substitute gives site '{}' its value before it is discretized, "
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
        >>> import jax.numpy as jnp, numpyro
        >>> from numpyro import handlers
        >>> from numpyro_igr import IGR, discretize
        >>> def model():
        ...     return numpyro.sample("z", IGR(0.5, jnp.zeros(2), jnp.ones(2)))
        >>> sorted(handlers.seed(discretize(model), 0)().tolist())
        [0.0, 0.0, 1.0]
    """
    check_program(fn=fn)
    return cast(Callable[P, R], DiscretizeMessenger(fn))


class DiscretizeMessenger(Messenger):
    """The handler behind :func:`discretize`, also usable as a context manager."""

    def process_message(self, msg: dict[str, Any]) -> None:
        if msg["type"] == "sample" and not msg["is_observed"]:
            dist = _discretized(msg["fn"], msg["name"])
            if dist is not msg["fn"] and msg["value"] is not None:
                is_scanned = msg.get("_control_flow_done", False)
                raise ValueError((SCANNED if is_scanned else FIXED).format(msg["name"]))
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
