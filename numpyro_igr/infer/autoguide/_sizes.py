"""The sizes of plates, for which a guide has parameters."""

from collections.abc import Iterable

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


def check_full_sizes(
    sites: Iterable[dict], sizes: dict[str, int], full_sizes: dict[str, int]
) -> None:
    """Raises at a site in a plate of another size than in the first run.

    Args:
        sites: of another run of the model.
        sizes: of its plates, by name.
        full_sizes: of the plates of the first run, by name.
    """
    for site in sites:
        for frame in site["cond_indep_stack"]:
            size = sizes.get(frame.name, frame.size)
            first = full_sizes.get(frame.name, size)
            if size != first:
                raise ValueError(RESIZED.format(frame.name, site["name"], size, first))
