"""assert_analytic_kl names every site whose KL would fall back to Monte Carlo."""

from functools import partial

import numpy as np
import pytest
from cases import LAWS

N, K = 5, 4
LOC, SCALE = (np.array(x, np.float32) for x in ([0.3, -0.6, 0.9], [0.8, 1.1, 0.6]))
KEPT = np.array([True, False, True, True, False])


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def make(host, name, temperature=0.5, loc=LOC):
    """The distribution of this name in the table of cases."""
    loc = host.array(loc) if loc is LOC else loc
    return LAWS[name](host.igr, temperature, loc, host.array(SCALE))


def igr(host):
    return make(host, "igr")


def exp_igr(host):
    return make(host, "exp_igr")


def row(host):
    return igr(host).expand([N])


def masked_row(host):
    return row(host).mask(host.array(KEPT))


def event(law, dims):
    return lambda host: law(host).to_event(dims)


def grid(host):
    return igr(host).expand([2, N])


def tempered(tempering, temperature):
    return lambda host: make(host, f"stick_breaking_{tempering}", temperature)


def concrete(host):
    half, zeros = host.array(np.float32(0.5)), host.array(np.zeros(K, np.float32))
    return host.gumbel(half, zeros)


def site(host, law):
    """A program of a single site 'z'."""
    return lambda: host.sample("z", law(host))


def within(handler, program):
    def run():
        with handler:
            program()

    return run


def auxiliary(host):
    def guide():
        host.sample("z", igr(host))
        noise = host.normal(host.array(np.float32(0)))
        host.sample("noise", noise, infer={"is_auxiliary": True})

    return site(host, igr), guide


def of_sites(model, guide):
    return lambda host: (site(host, model), site(host, guide))


def of_temperings(tempering):
    return of_sites(tempered(tempering, 0.5), tempered(tempering, 0.4))


NO_CLOSED_FORM = {
    "events_of_different_rank": (
        of_sites(event(grid, 1), event(grid, 2)),
        ("Independent", "IGR"),
    ),
    "event_on_one_side": (
        of_sites(row, event(row, 1)),
        ("Independent", "IGR"),
    ),
    "mask_in_the_guide_only": (of_sites(row, masked_row), "MaskedDistribution"),
    "mask_in_the_model_only": (of_sites(masked_row, row), "MaskedDistribution"),
    "concrete_prior": (of_sites(concrete, igr), "RelaxedOneHotCategorical"),
    "concrete_guide": (of_sites(igr, concrete), "RelaxedOneHotCategorical"),
    "logarithm_on_one_side": (of_sites(igr, exp_igr), "ExpIGR"),
    "auxiliary_site": (auxiliary, "auxiliary"),
    "weights": (of_temperings("weights"), "temperature"),
    "vertex": (of_temperings("vertex"), "temperature"),
    "softmax++": (of_temperings("softmax++"), "temperature"),
    "temperings": (
        of_sites(tempered("weights", 0.5), tempered("sticks", 0.5)),
        "of the same tempering",
    ),
}
SITE_AT_FAULT = {"auxiliary_site": "noise"}


@pytest.mark.parametrize("trap", NO_CLOSED_FORM)
def test_each_trap_is_named_with_its_site_and_its_reason(host, trap):
    pair, reason = NO_CLOSED_FORM[trap]
    reason = host.NO_KL.format(*reason) if isinstance(reason, tuple) else reason
    name = SITE_AT_FAULT.get(trap, "z")
    match = f"site '{name}' has no analytic KL.*"
    with pytest.raises(AssertionError, match=match) as e:
        host.igr.assert_analytic_kl(*pair(host))
    assert reason in str(e.value)


def other_scale(host):
    return (within(host.scale(by), site(host, row)) for by in (2.0, 3.0))


def other_mask(host):
    return (within(host.mask(by), site(host, row)) for by in (KEPT, ~KEPT))


def delta(host):
    return host.dist.Delta(host.array(np.ones(3, np.float32)))


def normal(host):
    return host.normal(host.array(np.zeros(3, np.float32))).to_event(1)


WRONG = {
    "scale": (other_scale, "another scale"),
    "mask": (other_mask, "another mask"),
    "shape": (of_sites(row, igr), "another shape"),
    "rank": (
        of_sites(normal, delta),
        "the KL between Delta with event_dim 0 and Independent of Normal",
    ),
}


@pytest.mark.parametrize("trap", WRONG)
def test_each_wrong_term_is_named_with_its_site_and_its_reason(host, trap):
    pair, reason = WRONG[trap]
    with pytest.raises(AssertionError, match="count a wrong KL at site 'z': .*") as e:
        host.igr.assert_analytic_kl(*pair(host))
    assert reason in str(e.value)


def program(host, name, parameter, x):
    loc = host.array(LOC)
    loc = loc if parameter is None else host.param(parameter, loc)
    with host.plate("data", len(x)):
        host.sample("z", make(host, name, loc=loc))
        if parameter is None:
            host.sample("x", host.normal(0 * x), obs=x)


@pytest.mark.parametrize("name", LAWS)
def test_a_good_pair_passes_with_its_arguments_and_observations(host, name):
    model, guide = (partial(program, host, name, p) for p in (None, "loc"))
    x = host.array(np.ones(3, np.float32))
    assert host.igr.assert_analytic_kl(model, guide, x) is None


def test_automatic_guides_of_parts_of_parts_pass_with_keywords(host):
    def model(x, *, size):
        one = host.array(np.float32(1))
        with host.plate("data", size):
            host.sample("v", host.dist.Gamma(one, one))
            host.sample("w", host.normal(0 * one))
        host.sample("x", host.normal(0 * one), obs=x)

    make, point = host.GUIDES["AutoGuideList"], host.GUIDES["AutoDelta"]
    inner, guide = make(model), make(model)
    inner.append(point(host.block(model, hide=["w"])))
    guide.append(inner)
    guide.append(point(host.block(model, hide=["v"])))
    one = host.array(np.float32(1))
    host.dry(lambda: host.igr.assert_analytic_kl(model, guide, one, size=2))


def test_the_first_site_without_a_closed_form_is_named_among_several(host):
    def several(second):
        host.sample("a", igr(host))
        host.sample("b", second(host))

    with pytest.raises(AssertionError, match="site 'b'"):
        host.igr.assert_analytic_kl(partial(several, igr), partial(several, exp_igr))
