"""Automatic guides of constrained latents beside a relaxed site, under every check."""

from functools import cache

import numpy as np
import pytest

GUIDES = ("AutoNormal", "AutoMultivariateNormal", "AutoDelta")
ONE = {"nesting": 0, "whole": True}
every_guide = pytest.mark.parametrize("continuous", GUIDES)


@cache
def pair(host, backend, continuous):
    """A relaxed model with constrained latents, and its guide, which is initialized."""
    dist, one = backend.dist, host.array(1.0)

    def model():
        host.sample("w", dist.Dirichlet(host.array([1.0, 2.0, 3.0])))
        host.sample("g", dist.Gamma(2 * one, one))
        host.sample("l", dist.LogNormal(0 * one, one))
        host.sample("z", host.igr.IGRStickBreaking(0.5, host.array([0.3]), one))

    guide = host.igr.AutoIGR(model, 0.5, scale=0.7, continuous=host.GUIDES[continuous])
    host.start(guide)
    return model, guide


@every_guide
def test_the_discrete_kl_counts_the_density_of_a_delta(host, backend, continuous):
    model, guide = pair(host, backend, continuous)
    found = host.losses(host.igr.TraceDiscreteKL_ELBO, model, guide, **ONE)
    discrete = map(host.igr.discretize, (model, guide))
    expected = host.losses(host.TRACE, *discrete, **ONE)
    error = np.hypot(*(x.std(ddof=1) / len(x) ** 0.5 for x in (found, expected)))
    np.testing.assert_allclose(found.mean(), expected.mean(), atol=5 * error + 1e-6)
    assert found.mean() > 0


@every_guide
def test_the_mean_field_elbo_counts_it_too(host, backend, continuous):
    programs = pair(host, backend, continuous)
    found = host.losses(host.MEAN_FIELD, *programs, **ONE)
    expected = host.losses(host.TRACE, *programs, **ONE)
    error = np.hypot(*(x.std(ddof=1) / len(x) ** 0.5 for x in (found, expected)))
    np.testing.assert_allclose(found.mean(), expected.mean(), atol=5 * error + 1e-6)


@pytest.mark.parametrize("continuous", GUIDES[:2])
def test_the_check_says_that_such_a_guide_has_no_analytic_kl(host, backend, continuous):
    model, guide = pair(host, backend, continuous)
    with pytest.raises(AssertionError, match="Monte Carlo"):
        host.igr.assert_analytic_kl(model, guide)
