"""The plates that sites share, which keep the elements of a batch apart."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pyro.infer.elbo import ELBO
from pyro.poutine import Trace
from pyro.poutine.indep_messenger import CondIndepStackFrame
from torch import Tensor

from pyro_igr._host import is_given_subsample
from pyro_igr._typed import Message
from pyro_igr.infer._data_plates import Plates, plates_around

MIXED = (
    "site '{}' has more dimensions than its plates and that of the samples or joint "
    "values, which is batch dimension {}: in the program, count dimensions from the "
    "right, and keep those of size 1"
)
NESTED = (
    "plate '{}' of site '{}' is beyond max_plate_nesting={}: pass at least {}, or "
    "leave it out"
)
UNDECLARED = (
    "site '{}' has batch shape {}, of more dimensions than max_plate_nesting={}: "
    "enclose it in pyro.plate, or declare them by .to_event"
)
WITHOUT_SIZE = (
    "plate '{0}' has no size: pass create_plates, a function of the arguments of "
    "the model that returns pyro.plate('{0}', size, dim={1})"
)
GIVEN = (
    "plate '{0}' is given its subsample, and the parts of the guide would be those of "
    "other data: pass create_plates, a function of the arguments of the model that "
    "returns pyro.plate('{0}', size, dim={1}, subsample=...), with the same subsample"
)


def check_plate(plate: Plates) -> Plates:
    """The plates that are named, if these are names.

    Args:
        plate: a name, a collection of names or None.

    Raises:
        TypeError: if it is none of these.
    """
    if not (plate is None or isinstance(plate, Collection)):
        raise TypeError(
            f"expected plate to be a name, a collection of names or None, got {plate!r}"
        )
    return plate


def common_plates(sites: Iterable[Message]) -> tuple[int, ...]:
    """The dimensions of the plates that all sites lie in, counted from the right.

    Args:
        sites: of a trace, at least one.
    """
    stacks = [set(plates_around(site).items()) for site in sites]
    return tuple(sorted(dim for _, dim in set.intersection(*stacks)))


def sum_to_plates(x: Tensor, plates: tuple[int, ...]) -> Tensor:
    """Sums over all dimensions but the first and those of plates.

    Args:
        x: of shape ``(S,) + batch``.
        plates: dimensions, counted from the right.
    """
    others = [dim for dim in range(1 - x.dim(), 0) if dim not in plates]
    return x.sum(others) if others else x


def sum_outside(x: Tensor, frames: Iterable[Any]) -> Tensor:
    """Sums over all dimensions but those of plates, which stay where they are.

    Args:
        x: of any shape.
        frames: of the plates.
    """
    plates = {frame.dim for frame in frames}
    others = [dim for dim in range(-x.dim(), 0) if dim not in plates]
    return x.sum(others, keepdim=True) if others else x


def dependents(traces: Iterable[Trace], max_plate_nesting: float) -> list[Message]:
    """The sites whose terms have a dimension to the left of all plates.

    Args:
        traces: with their log-probabilities.
        max_plate_nesting: the number of dimensions that plates have.

    Raises:
        ValueError: at a site with more than one such dimension.
    """
    sites = [site for trace in traces for site in trace.nodes.values()]
    scored = [site for site in sites if site["type"] == "sample"]
    found = [s for s in scored if s["log_prob"].dim() > max_plate_nesting]
    for site in found:
        if site["log_prob"].dim() > max_plate_nesting + 1:
            raise ValueError(MIXED.format(site["name"], -max_plate_nesting - 1))
    return found


def dependent_plates(traces: Iterable[Trace], nesting: int) -> tuple[int, ...]:
    """The dimensions of the plates that all :func:`dependents` lie in.

    Args:
        traces: with their log-probabilities.
        nesting: the number of dimensions that plates have.
    """
    return common_plates(dependents(traces, nesting))


def check_particles(engine: ELBO, traces: Iterable[Trace]) -> None:
    """Raises where vectorized particles are elsewhere than to the left of all plates.

    Args:
        engine: that has them, if they are vectorized.
        traces: with their log-probabilities.
    """
    if engine.vectorize_particles and engine.num_particles > 1:
        dependents(traces, engine.max_plate_nesting - 1)


def check_nesting(site: Message, nesting: int, num_samples: int | None = None) -> None:
    """Raises at a batch or a plate where samples are to be, or left of them.

    Args:
        site: of a guide, or its message.
        nesting: the number of dimensions that plates are said to have.
        num_samples: their number, where the site may depend on samples.
    """
    for name, dim in plates_around(site).items():
        if -dim > nesting:
            raise ValueError(NESTED.format(name, site["name"], nesting, -dim))
    batch = tuple(site["fn"].batch_shape)
    if len(batch) > nesting and batch[: len(batch) - nesting] != (num_samples,):
        raise ValueError(UNDECLARED.format(site["name"], batch, nesting))


def check_sizes(frames: Mapping[str, CondIndepStackFrame]) -> None:
    """Raises at a plate without a size, to which the host gives that of -1.

    Args:
        frames: of the plates, by name.
    """
    for name, frame in frames.items():
        if frame.size < 0:
            raise ValueError(WITHOUT_SIZE.format(name, frame.dim))


def check_subsamples(
    frames: Mapping[str, CondIndepStackFrame], sites: Mapping[str, Message]
) -> None:
    """Raises at a plate whose subsample a program has chosen itself.

    Args:
        frames: of a guide's plates, by name.
        sites: of a run of the program.
    """
    for name, frame in frames.items():
        if name in sites and is_given_subsample(sites[name]):
            raise ValueError(GIVEN.format(name, frame.dim))
