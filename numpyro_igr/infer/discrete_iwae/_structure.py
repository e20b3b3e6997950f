"""What a pair of programs is made of, found without running it."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from jax import Array

from numpyro_igr._host import check_model_guide_match, eval_provenance
from numpyro_igr.infer._data_plates import Plates, check_whole
from numpyro_igr.infer.discrete_iwae._bound import Bound, Term, bound, scored
from numpyro_igr.infer.discrete_iwae._elements import (
    Frames,
    first_plates,
    frames_of,
    names_and_dims,
    plates_of_all,
)
from numpyro_igr.infer.discrete_iwae._linear_sites import CountedLinearly

Trace = dict[str, dict]


class Structure(NamedTuple):
    """Plates whose elements are weighed, and which terms depend on samples.

    Args:
        plates: within which samples are drawn.
        depends: of each term, whether it depends on them.
        is_observed: of each term, whether its site is.
        dependent: names of relaxed sites of the guide that depend on samples of others.
    """

    plates: Frames
    depends: list[bool]
    is_observed: list[bool]
    dependent: list[str]

    def bound_of(self, found: list[tuple[Array, Any]]) -> Bound:
        """The bound of log-densities with signs, of all samples, and of their scales.

        Args:
            found: of each term.
        """
        terms = [
            Term(log_prob, None if scale is None else scale[0], *of_site)
            for (log_prob, scale), *of_site in zip(
                found, self.is_observed, self.depends, strict=True
            )
        ]
        return bound(terms, names_and_dims(self.plates)[1])


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

    def outputs(plates: Frames, key: Array) -> tuple[list[Array], dict[str, Array]]:
        traces = run(key, plates)
        check_model_guide_match(*traces)
        for kept, trace in zip((model, guide), traces, strict=True):
            kept.update(_untraced(trace))
        relaxed = {
            name: site["fn"].discrete.logits
            for name, site in traces[1].items()
            if isinstance(site.get("fn"), CountedLinearly) and plates <= frames_of(site)
        }
        return [site["log_prob"] for _, site in scored(*traces)], relaxed

    jax.eval_shape(partial(outputs, frozenset()), key)
    sites = [site for _, site in scored(model, guide)]
    plates = first_plates(guide.values(), plate)
    while True:
        causes, of_logits = eval_provenance(partial(outputs, plates), key=key)
        depends = [bool(cause) for cause in causes]
        reached = [site for site, by in zip(sites, depends, strict=True) if by]
        found = plates_of_all(plates, reached, named=plate is not None)
        if found == plates:
            break
        plates = found
    for site in reached:
        check_whole(site, names_and_dims(plates)[0], guide | model)
    dependent = [name for name, cause in of_logits.items() if cause]
    is_observed = [site["is_observed"] for site in sites]
    return Structure(plates, depends, is_observed, dependent)


# Arrays within a trace are jax's to drop.
def _untraced(sites: dict[str, dict]) -> Trace:
    """What is read of sites and plates after their run, which are no arrays.

    Args:
        sites: of a trace.
    """
    kept = "name", "type", "args", "is_observed", "cond_indep_stack"
    return {
        name: {key: site[key] for key in kept if key in site}
        for name, site in sites.items()
        if site["type"] in ("plate", "sample")
    }
