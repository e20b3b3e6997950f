"""A check that a program uses its relaxed values as what they are."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from pyro.poutine import Trace, block, replay, trace
from pyro.poutine.messenger import Messenger
from torch import Tensor

from pyro_igr._host import site_is_subsample
from pyro_igr._typed import Message
from pyro_igr.handlers._declared_vectors import check_batches
from pyro_igr.handlers._misuse import check_marks, in_python
from pyro_igr.handlers._propagation import follow
from pyro_igr.handlers._relaxed_sites import is_latent, relaxed_sites
from pyro_igr.handlers._same_size import SameSizeMessenger

# Errors of the host for a value that is no index, say, which do not name its site.
UNNAMED = IndexError, KeyError, RuntimeError, TypeError, ValueError
ABOUT_AN_INDEX = re.compile(
    r"[Ii]nd(ex|ices)(?!.* out of)|Python scalars|to Scalar|ambiguous|integral|of ints"
    r"|int, not Tensor|^tensor\(|(repeat_interleave|shift)_\w+\" not implemented"
)
OF_PYTHON = re.compile(r"'float' object|not float$|got \(?float\)")
ABOUT_A_NUMBER = re.compile(r"constraint Integer|Python scalars")


def check_uses(
    program: Callable,
    args: tuple = (),
    kwargs: Mapping[str, Any] | None = None,
    others: Collection[str] = (),
) -> dict[str, Any]:
    """Raises if a program cannot go on with relaxed values as with discrete ones.

    A relaxed value lies between the categories. To compare it, to round it, to make an
    integer of it or to index with it gives it another meaning, and no gradient. This
    runs the program twice, and follows the values of its relaxed sites, and of counts,
    to the distributions of the others. Differentiable functions of a value may be
    compared, as networks do, if the value has a gradient elsewhere.

    Args:
        program: a model or a guide.
        args: what it is called with.
        kwargs: what it is called with by name.
        others: names of further sites whose values are relaxed, as those of a guide.

    Returns:
        The sites of its first run.

    Raises:
        ValueError: naming the first such site, and its use, or one of integers, whose
            declared vectors repeat an observation.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        sites = _run(program, args, kwargs or {}, others).nodes
        _check(program, args, kwargs or {}, sites, relaxed_sites(sites, others))
    check_batches(sites)
    return sites


def check_pair(
    model: Callable, guide: Callable, args: tuple, kwargs: Mapping[str, Any]
) -> None:
    """Raises if a guide misuses its relaxed values, or a model those of the guide.

    Also if the model has other categories, before it goes on with a value of the guide.

    Args:
        model: the model.
        guide: the guide, with its parameters in place.
        args: what both are called with.
        kwargs: what both are called with by name.

    Raises:
        ValueError: as :func:`check_uses`, or naming the site of other categories.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        guided = _run(guide, args, kwargs, ())
        relaxed = relaxed_sites(guided.nodes)
        if relaxed:
            _check(guide, args, kwargs, guided.nodes, relaxed)
            model = SameSizeMessenger(guided.nodes)(replay(model, trace=guided))
            check_uses(model, args, kwargs, relaxed)


def _check(
    program: Callable,
    args: tuple,
    kwargs: Mapping[str, Any],
    sites: dict[str, Any],
    relaxed: Mapping[str, str],
) -> None:
    fixed = {name: s["value"] for name, s in sites.items() if is_latent(s)}

    def scores(values: dict[str, Tensor]) -> list[Any]:
        with block(), _Scores(fixed | values) as run:
            program(*args, **kwargs)
        return run.scores

    if relaxed:
        values = {name: sites[name]["value"] for name in relaxed}
        check_marks(follow(scores, values, relaxed))


def _run(
    program: Callable, args: tuple, kwargs: Mapping[str, Any], others: Collection[str]
) -> Trace:
    tracer = trace()
    try:
        with block(), tracer:
            program(*args, **kwargs)
    except UNNAMED as error:
        found = relaxed_sites(tracer.trace.nodes, others)
        if found and _may_be_about(error):
            raise in_python(found) from error
        raise
    return tracer.trace


# An error about a number of Python is not about a relaxed value, which is a tensor.
def _may_be_about(error: Exception) -> bool:
    """Whether an error may be about a relaxed value as an index or a number."""
    message = str(error)
    pattern = ABOUT_A_NUMBER if isinstance(error, ValueError) else ABOUT_AN_INDEX
    return bool(pattern.search(message) and not OF_PYTHON.search(message))


class _Scores(Messenger):
    """Gives sites their values, and collects what scores them."""

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.values, self.scores = values, []

    def _pyro_sample(self, msg: Message) -> None:
        if msg["name"] in self.values and not msg["is_observed"]:
            msg["value"], msg["done"] = self.values[msg["name"]], True

    def _pyro_post_sample(self, msg: Message) -> None:
        if msg["is_observed"] and msg["name"] in self.values:  # a count
            msg["value"] = self.values[msg["name"]]
        elif not (site_is_subsample(msg) or msg["infer"].get("_deterministic")):
            value = msg["value"] if msg["is_observed"] else None
            self.scores += [msg["fn"], msg["scale"], msg["mask"], value]
