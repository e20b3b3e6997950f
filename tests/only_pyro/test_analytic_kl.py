"""assert_analytic_kl names every site whose KL would fall back to Monte Carlo."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer.autoguide import AutoDelta, AutoGuideList, AutoNormal
from pyro.poutine import block, mask, scale
from pyro_families import LOC, K, every_family, make
from pyro_families import fresh_host as fresh_host

from pyro_igr import assert_analytic_kl

N = 5
KEPT = torch.tensor([True, False, True, True, False])
CONCRETE = dist.RelaxedOneHotCategorical(torch.tensor(0.5), torch.ones(K) / K)


def site(law):
    """A program of a single site 'z'."""
    return lambda: pyro.sample("z", law)


def tempered(tempering, temperature):
    return site(make(f"stick_breaking_{tempering}", temperature))


def with_auxiliary():
    pyro.sample("z", make("igr"))
    pyro.sample("noise", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})


IGR = make("igr")
GRID = IGR.expand([2, N])
ROW = IGR.expand([N])
TRAPS = {
    "events_of_different_rank": (
        site(GRID.to_event(1)),
        site(GRID.to_event(2)),
        "p type Independent and q type IGR",
    ),
    "event_on_one_side": (
        site(ROW),
        site(ROW.to_event(1)),
        "p type Independent and q type IGR",
    ),
    "mask_in_the_guide_only": (
        site(ROW),
        site(ROW.mask(KEPT)),
        "p type MaskedDistribution and q type IGR",
    ),
    "mask_in_the_model_only": (
        site(ROW.mask(KEPT)),
        site(ROW),
        "p type IGR and q type MaskedDistribution",
    ),
    "host_prior": (site(CONCRETE), site(IGR), "and RelaxedOneHotCategorical"),
    "host_guide": (site(IGR), site(CONCRETE), "between RelaxedOneHotCategorical"),
    "logarithm_on_one_side": (site(IGR), site(make("exp_igr")), "between ExpIGR"),
    "auxiliary_site": (site(IGR), with_auxiliary, "auxiliary"),
    "weights": (tempered("weights", 0.5), tempered("weights", 0.4), "temperature"),
    "vertex": (tempered("vertex", 0.5), tempered("vertex", 0.4), "temperature"),
    "softmax++": (
        tempered("softmax++", 0.5),
        tempered("softmax++", 0.4),
        "temperature",
    ),
    "temperings": (
        tempered("weights", 0.5),
        tempered("sticks", 0.5),
        "of the same tempering",
    ),
}
SITE_AT_FAULT = {"auxiliary_site": "noise"}
WRONG = {
    "autoguide": (site(IGR), AutoNormal(site(IGR)), "its Delta has a log_density"),
    "scale": (scale(site(ROW), 2.0), scale(site(ROW), 3.0), "another scale"),
    "mask": (mask(site(ROW), KEPT), site(ROW), "another mask"),
    "shape": (site(ROW), site(IGR), "another shape"),
    "rank": (
        site(dist.Normal(torch.zeros(3), 1.0).to_event(1)),
        site(dist.Delta(torch.ones(3))),
        "the KL between Delta with event_dim 0 and Independent of Normal",
    ),
}


@pytest.mark.parametrize("trap", WRONG)
def test_each_wrong_term_is_named_with_its_site_and_its_reason(trap):
    model, guide, reason = WRONG[trap]
    with pytest.raises(AssertionError, match="count a wrong KL at site 'z': .*") as e:
        assert_analytic_kl(model, guide)
    assert reason in str(e.value)


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_named_with_its_site_and_its_reason(trap):
    model, guide, reason = TRAPS[trap]
    name = SITE_AT_FAULT.get(trap, "z")
    with pytest.raises(
        AssertionError, match=f"site '{name}' has no analytic KL.*"
    ) as e:
        assert_analytic_kl(model, guide)
    assert reason in str(e.value)


def program(name, parameter=None):
    def run(x):
        loc = LOC if parameter is None else pyro.param(parameter, LOC.clone())
        with pyro.plate("data", len(x)):
            pyro.sample("z", make(name, loc=loc))
            if parameter is None:
                pyro.sample("x", dist.Normal(0.0, 1.0), obs=x)

    return run


@every_family
def test_a_good_pair_passes_with_its_arguments_and_observations(name):
    assert (
        assert_analytic_kl(program(name), program(name, "loc"), torch.ones(3)) is None
    )


@every_family
def test_the_random_state_is_left_as_it_was(name):
    before = torch.get_rng_state()
    assert_analytic_kl(program(name), program(name, "loc"), torch.ones(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_parameters_are_initialized():
    assert_analytic_kl(program("igr"), program("igr", "loc"), torch.ones(3))
    assert set(pyro.get_param_store()) == {"loc"}


def test_automatic_guides_of_parts_of_parts_pass_with_keywords():
    def model(x, *, size):
        with pyro.plate("data", size):
            pyro.sample("v", dist.Gamma(torch.ones(()), 1.0))
            pyro.sample("w", dist.Normal(0.0, 1.0))
        pyro.sample("x", dist.Normal(0.0, 1.0), obs=x)

    inner, guide = (AutoGuideList(model) for _ in range(2))
    inner.append(AutoDelta(block(model, expose=["v"])))
    guide.append(inner)
    guide.append(AutoDelta(block(model, expose=["w"])))
    assert_analytic_kl(model, guide, torch.ones(()), size=2)


def test_the_first_site_without_a_closed_form_is_named_among_several():
    def pair(second):
        def run():
            pyro.sample("a", IGR)
            pyro.sample("b", second)

        return run

    with pytest.raises(AssertionError, match="site 'b'"):
        assert_analytic_kl(pair(IGR), pair(make("exp_igr")))
