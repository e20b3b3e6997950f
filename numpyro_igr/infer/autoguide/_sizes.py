"""The sizes of plates, for which a guide has parameters."""

from collections.abc import Iterable
from typing import Any

Frames = dict[str, Any]

RESIZED = (
    "plate '{}' of site '{}' has size {}, and had {} in the first run of the model, "
    "for which AutoIGR has parameters: make a new one for other data, or write a guide "
    "that computes them from the data"
)


def plate_sizes(run: dict[str, dict]) -> dict[str, int]:
    """The sizes of plates without subsampling, by name, but for those of a scan.

    Args:
        run: all sites of a run of a program.
    """
    return {n: site["args"][0] for n, site in run.items() if site["type"] == "plate"}


def checked_plates(
    sites: Iterable[dict], sizes: dict[str, int], full_sizes: dict[str, int]
) -> Frames:
    """The plates of sites, by name, which may have other subsamples than before.

    Args:
        sites: of another run of the model.
        sizes: of its plates, by name.
        full_sizes: of the plates of the first run, by name.

    Raises:
        ValueError: at a site in a plate of another size.
    """
    frames = {}
    for site in sites:
        for frame in site["cond_indep_stack"]:
            size = sizes.get(frame.name, frame.size)
            first = full_sizes.get(frame.name, size)
            if size != first:
                raise ValueError(RESIZED.format(frame.name, site["name"], size, first))
            frames[frame.name] = frame
    return {name: frames[name] for name in frames.keys() & full_sizes.keys()}
