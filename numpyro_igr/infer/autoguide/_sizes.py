"""Checks that plates keep the sizes for which a guide has parameters."""

from collections.abc import Iterable

RESIZED = (
    "plate '{}' of site '{}' has size {}, and had {} in the first run of the model, "
    "for which AutoIGR has parameters: make a new one for other data, or write a guide "
    "that computes them from the data"
)


def check_full_sizes(
    sites: Iterable[dict], run: dict[str, dict], full_sizes: dict[str, int]
) -> None:
    """Raises at a site in a plate of another size than in the first run.

    Args:
        sites: of another run of the model.
        run: all of that, its plates as well.
        full_sizes: of the plates of the first run, by name.
    """
    for site in sites:
        for frame in site["cond_indep_stack"]:
            plate = run.get(frame.name, {"args": (frame.size,)})  # none of a scan
            size = plate["args"][0]
            first = full_sizes.get(frame.name, size)
            if size != first:
                raise ValueError(RESIZED.format(frame.name, site["name"], size, first))
