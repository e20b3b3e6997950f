"""A KL has the batch of both distributions, whichever parameter it comes from.

Oracle: the same KL of the distributions of one entry at a time.
"""

import numpy as np
import pytest
from cases import TEMPERINGS

B = 3
LOC, SCALE = np.array([0.3, -0.8]), np.array([0.7, 1.2])
MANY = {
    "temperature": np.array([0.4, 0.7, 0.9]),
    "loc": np.array([[0.3, -0.8], [1.0, 0.2], [-0.5, 0.1]]),
    "scale": np.array([[0.7, 1.2], [0.3, 0.9], [1.5, 0.8]]),
    "delta": np.array([0.5, 1.0, 3.0]),
    "rho": np.array([0.9, 0.99, 1.0]),
    "concentration": np.array([0.5, 2.0, 9.0]),
    "tail": np.array([0.1, 0.2, 0.3]),
}
ONE = {"temperature": 0.5, "loc": LOC, "scale": SCALE, "delta": 2.0}
SAME = {"temperature": np.full(B, 0.5), "delta": np.full(B, 2.0)}  # values, batched
GAUSSIAN = ("temperature", "loc", "scale")


def flow_law(backend, flow, **given):
    return backend.igr.IGRFlow(flow=flow, **given)


def infinite(backend, _, rho=1.0, tail=None, **given):
    if tail is not None:
        tail = backend.dist.Normal(tail, backend.array(0.8))
    return backend.igr.InfiniteIGR(rho=rho, tail=tail, **given)


def dirichlet_tail(backend, _, concentration=2.0, **given):
    tail = backend.igr.GEM(concentration, 4)
    return backend.igr.InfiniteIGR(tail=tail, **given)


def law_of(name, **options):
    return lambda backend, _, **given: getattr(backend.igr, name)(**given, **options)


# Per family: a constructor, its parameters, those of both distributions that must be
# the same.
FAMILIES = {
    **{
        name: (law_of(name), (*GAUSSIAN, "delta"), ())
        for name in ("IGR", "ExpIGR", "IGRStraightThrough")
    },
    **{
        tempering: (
            law_of("IGRStickBreaking", tempering=tempering),
            GAUSSIAN,
            () if tempering == "sticks" else ("temperature",),
        )
        for tempering in TEMPERINGS
    },
    "IGRFlow": (flow_law, (*GAUSSIAN, "delta"), ("temperature", "delta")),
    "InfiniteIGR": (infinite, (*GAUSSIAN, "rho", "tail"), ("temperature", "tail")),
    "of a Dirichlet process": (
        dirichlet_tail,
        (*GAUSSIAN, "concentration"),
        ("concentration",),
    ),
}


def arrays(backend, given):
    return {name: backend.array(value) for name, value in given.items()}


def checked(backend, p, q, entries):
    """The KL, where its shape is that of both and its values those of entries."""
    found = backend.numpy(backend.kl(p, q))
    shape = np.broadcast_shapes(tuple(p.batch_shape), tuple(q.batch_shape))
    assert found.shape == shape == (B,)
    expected = [backend.numpy(backend.kl(*pair)) for pair in entries]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


ROWS = [
    (family, name, side)
    for family, (_, names, _) in FAMILIES.items()
    for name in names
    for side in ("p", "q", "both")
    if side == "both" or name not in ("tail", "concentration")
]


@pytest.mark.parametrize(("family", "name", "side"), ROWS)
def test_the_batch_of_any_parameter_is_that_of_the_kl(backend, family, name, side):
    make, names, same = FAMILIES[family]
    flow = backend.igr.PlanarTransform(backend.array([1.0, 0.3]), backend.array(LOC))
    p_start = {n: ONE[n] for n in names if n in ONE}
    q_start = dict(p_start, loc=LOC + 0.4, scale=1.1 * SCALE)
    values = SAME[name] if name in same and side != "both" else MANY[name]

    def pair(value):
        p = p_start if side == "q" else p_start | {name: value}
        q = q_start if side == "p" else q_start | {name: value}
        return [make(backend, flow, **arrays(backend, x)) for x in (p, q)]

    checked(backend, *pair(values), [pair(value) for value in values])


@pytest.mark.parametrize("family", FAMILIES)
def test_both_sides_and_expansions_broadcast(backend, family):
    make, names, _ = FAMILIES[family]
    flow = backend.igr.PlanarTransform(backend.array([1.0, 0.3]), backend.array(LOC))
    start = {n: ONE[n] for n in names if n in ONE}

    def law(**given):
        return make(backend, flow, **arrays(backend, start | given))

    many = law(loc=MANY["loc"])
    entries = [(law(loc=loc), law(loc=0 * LOC)) for loc in MANY["loc"]]
    checked(backend, many, law(loc=0 * LOC).expand((B,)), entries)
    checked(backend, law(loc=0 * LOC).expand((B,)), many, [e[::-1] for e in entries])
    wide = many.expand((2, B)), law(loc=0 * LOC).expand((2, B))
    total = backend.numpy(backend.kl(wide[0].to_event(1), wide[1].to_event(1)))
    expected = sum(backend.numpy(backend.kl(*pair)) for pair in entries)
    np.testing.assert_allclose(total, [expected] * 2, rtol=1e-10)


@pytest.mark.parametrize("family", ["sticks", "of a Dirichlet process"])
@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_kl_to_a_dirichlet_process_has_the_batch_of_both(backend, family, name):
    make, _, _ = FAMILIES[family]
    start = {n: ONE[n] for n in GAUSSIAN}

    def law(value, concentration=2.0):
        return make(backend, None, **arrays(backend, start | {name: value}))

    gem = backend.igr.GEM(2.0, 3)
    entries = [(law(value), gem) for value in MANY[name]]
    checked(backend, law(MANY[name]), gem, entries)
    checked(backend, law(MANY[name]), gem.expand((B,)), entries)


def test_the_batch_of_a_dirichlet_process_is_that_of_the_kl(backend):
    given = arrays(backend, {n: ONE[n] for n in GAUSSIAN})
    sticks = backend.igr.IGRStickBreaking(**given)
    gems = [backend.igr.GEM(backend.array(a), 3) for a in MANY["concentration"]]
    together = backend.igr.GEM(backend.array(MANY["concentration"]), 3)
    checked(backend, sticks, together, [(sticks, gem) for gem in gems])
    infinite = [backend.igr.InfiniteIGR(**given, tail=gem) for gem in gems]
    all_of_them = backend.igr.InfiniteIGR(**given, tail=together)
    entries = list(zip(infinite, gems, strict=True))
    checked(backend, all_of_them, together, entries)
