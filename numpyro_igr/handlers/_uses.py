"""A check that a program uses its relaxed values as what they are."""

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from numpyro.handlers import block, replay, seed, substitute, trace

from numpyro_igr.handlers._cond import OutsideCondMessenger
from numpyro_igr.handlers._declared_vectors import check_batches
from numpyro_igr.handlers._misuse import check_marks, in_python
from numpyro_igr.handlers._propagation import follow
from numpyro_igr.handlers._relaxed_sites import is_latent, relaxed_sites
from numpyro_igr.handlers._same_size import SameSizeMessenger

# Errors of the host for a value that is no index, say, which do not name its site.
UNNAMED = IndexError, TypeError, ValueError
ABOUT_AN_INDEX = re.compile(
    r"(Indexer|indices) must have|[Ii]nteger|Python scalar|ambiguous|boolean scalar"
    r"|must be (a )?scalar|fori_loop|invalid total_count|unhashable type: 'jaxlib"
)
OF_PYTHON = re.compile(r"'float' object|not float$|got \([\d., ]+\)")
CONCRETE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def check_uses(
    program: Callable,
    args: tuple = (),
    kwargs: Mapping[str, Any] | None = None,
    others: Collection[str] = (),
) -> dict[str, dict]:
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
    program = OutsideCondMessenger(seed(program, 0))
    sites = _run(program, args, kwargs or {}, others)
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
    guide = seed(guide, 0)
    guided = _run(guide, args, kwargs, ())
    relaxed = relaxed_sites(guided)
    if relaxed:
        _check(guide, args, kwargs, guided, relaxed)
        model = SameSizeMessenger(guided)(replay(model, trace=guided))
        check_uses(model, args, kwargs, relaxed)


def _check(
    program: Callable,
    args: tuple,
    kwargs: Mapping[str, Any],
    sites: dict[str, dict],
    relaxed: Mapping[str, str],
) -> None:
    fixed = {name: s["value"] for name, s in sites.items() if is_latent(s)}

    def scores(values: dict[str, Array]) -> list[Array]:
        at_values = substitute(program, data=fixed | values)
        run = _run(at_values, args, kwargs, relaxed)
        return [leaf for site in run.values() for leaf in _scores(site)]

    if relaxed:
        values = {name: sites[name]["value"] for name in relaxed}
        check_marks(follow(scores, values, relaxed))


def _run(
    program: Callable, args: tuple, kwargs: Mapping[str, Any], others: Collection[str]
) -> OrderedDict[str, dict[str, Any]]:
    tracer = trace(program)
    try:
        with block():
            return tracer.get_trace(*args, **kwargs)
    except (*UNNAMED, *CONCRETE) as error:
        found = relaxed_sites(tracer.trace, others)
        if found and (isinstance(error, CONCRETE) or _may_be_about(str(error))):
            raise in_python(found) from error
        raise


# A relaxed value is an array, and no number of Python; nor is it a double, unless jax
# has doubles.
def _may_be_about(message: str) -> bool:
    """Whether an error may be about a relaxed value as an index or a number."""
    has_doubles = jnp.result_type(float) == jnp.float64
    is_double = "type float64" in message and not has_doubles
    is_of_python = OF_PYTHON.search(message) or is_double
    return bool(ABOUT_AN_INDEX.search(message) and not is_of_python)


def _scores(site: dict) -> list[Array]:
    """What scores a site: its distribution, scale and, if observed, value."""
    if site["type"] != "sample":
        return []
    value = site["value"] if site["is_observed"] else None
    leaves = jax.tree.leaves((site["fn"], site["scale"], value))
    return [leaf for leaf in leaves if isinstance(leaf, Array)]
