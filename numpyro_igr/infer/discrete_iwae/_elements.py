"""The plates whose elements have importance weights of their own."""

from collections.abc import Iterable

from numpyro_igr.handlers._relaxed_sites import is_latent
from numpyro_igr.infer._data_plates import UNKNOWN, Plates, plates_around

Frames = frozenset[tuple[str, int]]
REACHES = (
    "site '{}' depends on samples within plates {}, and lies outside of '{}': name the "
    "plates that it lies in by plate=, or plate=() for one weight of everything"
)


def frames_of(site: dict) -> Frames:
    """The plates around a site, with their dimensions.

    Args:
        site: of a trace, or a message.
    """
    return frozenset(plates_around(site).items())


def first_plates(guide: Iterable[dict], plate: Plates) -> Frames:
    """The plates that are named, or those that the latents of a guide have in common.

    Latents outside of all plates, which data share, are left out.

    Args:
        guide: its sites.
        plate: names, or None.

    Raises:
        ValueError: if there is no such plate.
    """
    found = [frames_of(site) for site in guide if is_latent(site)]
    every = frozenset().union(*found)
    if plate is None:
        found = [frames for frames in found if frames] or found
        return frozenset.intersection(*found) if found else frozenset()
    names = (plate,) if isinstance(plate, str) else tuple(plate)
    for name in names:
        if name not in {frame[0] for frame in every}:
            raise ValueError(UNKNOWN.format(sorted(n for n, _ in every), name))
    return frozenset(frame for frame in every if frame[0] in names)


def plates_of_all(plates: Frames, sites: Iterable[dict], *, named: bool) -> Frames:
    """Those of the plates that all sites lie in which depend on samples.

    Args:
        plates: within which samples were drawn.
        sites: whose terms depend on samples.
        named: whether a user has named these plates.

    Raises:
        ValueError: if they were named, and a site lies outside.
    """
    for site in sites:
        for name in sorted(name for name, _ in plates - frames_of(site)):
            if named:
                names = sorted(name for name, _ in plates)
                raise ValueError(REACHES.format(site["name"], names, name))
        plates = plates & frames_of(site)
    return plates


def names_and_dims(plates: Frames) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The names of plates, and their dimensions, in the order of these.

    Args:
        plates: vectorized ones.
    """
    ordered = sorted(plates, key=lambda frame: frame[1])
    return tuple(name for name, _ in ordered), tuple(dim for _, dim in ordered)
