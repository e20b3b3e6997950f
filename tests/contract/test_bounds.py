"""The bounds that a host reports of a discretized model, against enumeration."""

import numpy as np
import pytest
from enumerable_vae import DECODER, IMAGE, elbo, log_evidence, posterior_probs

FAMILIES = ["IGR", "IGRStickBreaking"]
COPIES = 4000
every_family = pytest.mark.parametrize("name", FAMILIES)


def families(host, name):
    """A uniform prior, and a posterior between it and the exact marginals."""
    probs = 0.6 * posterior_probs() + 0.4 / 4
    make = getattr(host.igr, name).from_probs
    return [make(0.5, host.array(p)) for p in (np.full_like(probs, 0.25), probs)]


def pixels(host, code):
    """Of a code, or of many."""
    logits = code.reshape((*code.shape[:-2], -1)) @ host.array(DECODER)
    return host.dist.Bernoulli(logits=logits).to_event(1)


def bound(host, engine, prior, posterior):
    """Mean over independent copies of what the engine reports of one image."""

    def model():
        with host.plate("copies", COPIES):
            code = host.sample("code", prior.to_event(1))
            host.sample("x", pixels(host, code), obs=host.array(IMAGE))

    def guide():
        with host.plate("copies", COPIES):
            host.sample("code", posterior.to_event(1))

    pair = host.igr.discretize(model), host.igr.discretize(guide)
    return -host.loss_once(engine, *pair) / COPIES


@every_family
def test_the_elbo_of_the_discretized_model_is_that_of_the_discrete_one(host, name):
    prior, posterior = families(host, name)
    found = bound(host, host.VECTORIZED_TRACE(20), prior, posterior)
    assert found == pytest.approx(elbo(np.asarray(posterior.probs)), abs=0.04)


@every_family
def test_weighted_bounds_rise_from_the_elbo_to_the_evidence(host, name):
    prior, posterior = families(host, name)
    engines = [host.RENYI(0, m) for m in (2, 50)]
    bounds = [bound(host, engine, prior, posterior) for engine in engines]
    steps = np.diff([elbo(np.asarray(posterior.probs)), *bounds, log_evidence()])
    assert (steps > [0.2, 0.2, 0]).all()


@every_family
def test_the_mean_likelihood_minus_the_kl_is_no_bound(backend, host, name):
    prior, posterior = (family.to_discrete() for family in families(host, name))
    code = host.draw(posterior, 100_000)
    log_likelihood = pixels(host, code).log_prob(host.array(IMAGE))
    log_mean = np.logaddexp.reduce(np.asarray(log_likelihood)) - np.log(len(code))
    plug_in = log_mean - host.value(backend.kl(posterior, prior).sum())
    assert plug_in > log_evidence() + 0.9
