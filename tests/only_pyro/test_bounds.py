"""The bounds that Pyro reports of a discretized model, against enumeration."""

import numpy as np
import pytest
from enumerable_vae import (
    DECODER,
    IMAGE,
    elbo,
    log_evidence,
    posterior_probs,
)

pyro = pytest.importorskip("pyro")
import torch  # noqa: E402
from pyro.distributions import Bernoulli  # noqa: E402
from pyro.infer import RenyiELBO, Trace_ELBO  # noqa: E402
from torch.distributions import kl_divergence  # noqa: E402

from pyro_igr import IGR, IGRStickBreaking, discretize  # noqa: E402

LAWS = [IGR, IGRStickBreaking]
COPIES = 4000


def laws_of(law):
    """A uniform prior, and a posterior between it and the exact marginals."""
    probs = torch.tensor(0.6 * posterior_probs() + 0.4 / 4)
    uniform = torch.full_like(probs, 0.25)
    return law.from_probs(0.5, uniform), law.from_probs(0.5, probs)


def model(prior, posterior):
    with pyro.plate("copies", COPIES):
        code = pyro.sample("code", prior.to_event(1))
        logits = code.flatten(-2) @ torch.tensor(DECODER)
        pyro.sample("x", Bernoulli(logits=logits).to_event(1), obs=torch.tensor(IMAGE))


def guide(prior, posterior):
    with pyro.plate("copies", COPIES):
        pyro.sample("code", posterior.to_event(1))


def bound(engine, laws):
    """Mean over independent copies of what the engine reports of one image."""
    pyro.set_rng_seed(0)
    return -engine.loss(discretize(model), discretize(guide), *laws) / COPIES


@pytest.mark.parametrize("law", LAWS)
def test_the_elbo_of_the_discretized_model_is_that_of_the_discrete_one(law):
    laws = laws_of(law)
    found = bound(Trace_ELBO(20, vectorize_particles=True), laws)
    assert found == pytest.approx(elbo(laws[1].probs.numpy()), abs=0.04)


@pytest.mark.parametrize("law", LAWS)
def test_weighted_bounds_rise_from_the_elbo_to_the_evidence(law):
    laws = laws_of(law)
    engines = [RenyiELBO(0, m, vectorize_particles=True) for m in (2, 50)]
    bounds = [bound(engine, laws) for engine in engines]
    steps = np.diff([elbo(laws[1].probs.numpy()), *bounds, log_evidence()])
    assert (steps > [0.2, 0.2, 0]).all()


@pytest.mark.parametrize("law", LAWS)
def test_the_mean_likelihood_minus_the_kl_is_no_bound(law):
    prior, posterior = (law.to_discrete() for law in laws_of(law))
    code = posterior.sample((100_000,)).flatten(-2)
    pixels = Bernoulli(logits=code @ torch.tensor(DECODER))
    log_likelihood = pixels.log_prob(torch.tensor(IMAGE)).sum(-1)
    log_mean = log_likelihood.logsumexp(0) - np.log(len(code))
    plug_in = log_mean - kl_divergence(posterior, prior).sum()
    assert plug_in > log_evidence() + 0.9
