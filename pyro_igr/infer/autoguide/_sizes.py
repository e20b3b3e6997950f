"""The sizes of plates, for which a guide has parameters."""

from collections.abc import Iterable

from pyro.poutine.indep_messenger import CondIndepStackFrame

from pyro_igr._typed import Message

Frames = dict[str, CondIndepStackFrame]

RESIZED = (
    "plate '{}' of site '{}' has size {}, and had {} in the first run of the model, "
    "for which AutoIGR has parameters: make a new one for other data, after "
    "pyro.clear_param_store() or under pyro.settings.set(module_local_params=True), or "
    "write a guide that computes them from the data"
)


def full_size(frame: CondIndepStackFrame) -> int:
    """The size of a plate without subsampling.

    Args:
        frame: of the plate.
    """
    return frame.full_size or frame.size


def checked_plates(sites: Iterable[Message], full_sizes: dict[str, int]) -> Frames:
    """The plates of sites, by name, which may have other subsamples than before.

    Args:
        sites: of another run of the model.
        full_sizes: of the plates of the first run, by name.

    Raises:
        ValueError: at a site in a plate of another size.
    """
    frames = {}
    for site in sites:
        for frame in (f for f in site["cond_indep_stack"] if f.vectorized):
            size = full_size(frame)
            first = full_sizes.get(frame.name, size)
            if size != first:
                raise ValueError(RESIZED.format(frame.name, site["name"], size, first))
            frames[frame.name] = frame
    return {name: frames[name] for name in frames.keys() & full_sizes.keys()}
