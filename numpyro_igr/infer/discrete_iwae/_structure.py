"""What a pair of programs is made of, found without running it."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
from jax import Array

from numpyro_igr._host import check_model_guide_match, eval_provenance
from numpyro_igr.infer._data_plates import Plates, check_whole
from numpyro_igr.infer.discrete_iwae._bound import scored
from numpyro_igr.infer.discrete_iwae._elements import (
    Frames,
    first_plates,
    names_and_dims,
    plates_of_all,
)

Trace = dict[str, dict]


class Structure(NamedTuple):
    """Plates whose elements are weighed, and which terms depend on samples.

    Args:
        plates: within which samples are drawn.
        depends: of each term, whether it depends on them.
        is_observed: of each term, whether its site is.
    """

    plates: Frames
    depends: list[bool]
    is_observed: list[bool]


def structure_of(run: Callable, key: Array, plate: Plates) -> Structure:
    """The structure of a model and a guide.

    Args:
        run: their traces, by the key of samples and the plates that these are within.
        key: of samples.
        plate: names, or None.

    Raises:
        ValueError: if weights of the elements of these plates are not defined.
    """
    model: Trace = {}
    guide: Trace = {}

    def log_probs(plates: Frames, key: Array) -> list[Array]:
        traces = run(key, plates)
        for kept, trace in zip((model, guide), traces, strict=True):
            kept.update(trace)
        return [site["log_prob"] for _, site in scored(*traces)]

    jax.eval_shape(partial(log_probs, frozenset()), key)
    check_model_guide_match(model, guide)
    sites = [site for _, site in scored(model, guide)]
    plates = first_plates(guide.values(), plate)
    while True:
        causes = eval_provenance(partial(log_probs, plates), key=key)
        depends = [bool(cause) for cause in causes]
        reached = [site for site, by in zip(sites, depends, strict=True) if by]
        found = plates_of_all(plates, reached, named=plate is not None)
        if found == plates:
            break
        plates = found
    for site in reached:
        check_whole(site, names_and_dims(plates)[0], guide | model)
    return Structure(plates, depends, [site["is_observed"] for site in sites])
