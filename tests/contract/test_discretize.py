"""discretize makes every latent site discrete, and nothing else."""

from functools import partial

import numpy as np
import pytest
from cases import BY_LARGEST_WEIGHT, LAWS, WITH_PROBS
from contexts import (
    PROGRAMS,
    N,
    as_event,
    bare,
    have_same_mask,
    in_plates,
    innermost,
    masked_distribution,
    sites_of_law,
)
from enumerable_vae import CODES
from scipy.special import logsumexp
from scipy.stats import norm

ON_THE_SIMPLEX = [name for name in WITH_PROBS if name != "exp_igr"]
LOC, SCALE = (np.array(x, np.float32) for x in ([0.3, -0.6, 0.9], [0.8, 1.1, 0.6]))


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def make(host, name):
    """The distribution of this name in the table of cases."""
    return LAWS[name](host.igr, 0.5, host.array(LOC), host.array(SCALE))


def discretized(host, program):
    return lambda host, law: host.igr.discretize(partial(program, host))(law)


# A context is one matter for all families: one sees each.
@pytest.mark.parametrize(
    ("name", "context"),
    [("igr", context) for context in PROGRAMS]
    + [(name, "as_event") for name in ON_THE_SIMPLEX if name != "igr"],
)
def test_sites_become_one_hot_inside_their_context(host, name, context):
    law, program = make(host, name), PROGRAMS[context]
    relaxed = sites_of_law(host, program, law)
    discrete = sites_of_law(host, discretized(host, program), law)
    assert relaxed.keys() == discrete.keys()
    for site_name, site in discrete.items():
        before = relaxed[site_name]
        found = innermost(host, site["fn"])
        assert type(found) is type(host.one_hot(law.probs))
        expected = innermost(host, before["fn"]).probs
        expected = np.broadcast_to(expected, found.probs.shape)
        np.testing.assert_allclose(found.probs, expected, rtol=1e-5)
        assert site["fn"].batch_shape == before["fn"].batch_shape
        assert site["fn"].event_shape == before["fn"].event_shape
        assert site["scale"] == before["scale"]
        assert have_same_mask(host, site, before)
        value = np.asarray(site["value"])
        assert (np.isin(value, (0, 1)).all(-1) & (value.sum(-1) == 1)).all()
        kept = [np.asarray(host.log_prob(s)) != 0 for s in (site, before)]
        np.testing.assert_array_equal(*kept)


def test_observed_sites_and_other_distributions_are_untouched(host):
    value = host.array(np.float32([0.1, 0.2, 0.3, 0.4]))
    zero = host.array(np.float32(0))
    laws = {
        "observed": (make(host, "igr"), value),
        "normal": (host.normal(host.array(LOC)).to_event(1), None),
        "masked": (host.normal(zero).mask(True), None),
        "expanded": (host.normal(zero).expand([2]), None),
        "discrete": (host.dist.Categorical(value), None),
    }

    def program():
        for name, (law, obs) in laws.items():
            host.sample(name, law, obs=obs)

    sites = host.sites(host.igr.discretize(program))
    assert all(sites[name]["fn"] is law for name, (law, _) in laws.items())


def test_conditioned_sites_are_untouched_where_the_condition_is_inside(host):
    value = host.array(np.float32([0.1, 0.2, 0.3, 0.4]))
    program = partial(bare, host, make(host, "igr"))
    conditioned = host.condition(program, {"z": value})
    sites = host.sites(host.igr.discretize(conditioned))
    assert isinstance(sites["z"]["fn"], host.igr.IGR)


@pytest.mark.parametrize("program", [bare, as_event, masked_distribution])
def test_exp_igr_is_refused_by_name(host, program):
    program = host.igr.discretize(partial(program, host, make(host, "exp_igr")))
    with pytest.raises(ValueError, match=r"site 'z', but the value of ExpIGR is log z"):
        host.run(program)


@pytest.mark.parametrize("name", BY_LARGEST_WEIGHT)
def test_distributions_without_a_closed_discrete_form_become_one_hot_too(host, name):
    law = make(host, name)
    site = sites_of_law(host, discretized(host, in_plates), law)["z"]
    assert site["fn"].batch_shape == (2, N)
    found = np.asarray(innermost(host, site["fn"]).probs).reshape(-1, 4)[0]
    np.testing.assert_allclose(found, law.probs, rtol=1e-5)


X = np.array([0.5, -1.0, 1.5], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0, 2.0], np.float32)
PRIOR = np.array([0.1, 0.2, 0.3, 0.4], np.float32)


def test_the_discrete_model_can_be_summed_out(host):
    prior = host.igr.IGRStickBreaking.from_probs(0.5, host.array(PRIOR))

    def model():
        with host.plate("data", len(X)):
            mean = host.sample("z", prior) @ host.array(MEANS)
            host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(X))

    values = {"z": np.float32(CODES)}
    found = logsumexp(host.log_densities(host.igr.discretize(model), values))
    of_categories = np.log(PRIOR) + norm.logpdf(X[:, None], MEANS)
    assert found == pytest.approx(logsumexp(of_categories, -1).sum(), rel=1e-5)
