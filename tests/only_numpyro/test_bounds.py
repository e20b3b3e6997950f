"""The bounds that NumPyro reports of a discretized model, against enumeration."""

import numpy as np
import pytest
from enumerable_vae import DECODER, IMAGE, elbo, log_evidence, posterior_probs

numpyro = pytest.importorskip("numpyro")
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from numpyro.distributions import Bernoulli  # noqa: E402
from numpyro.distributions.kl import kl_divergence  # noqa: E402
from numpyro.infer import RenyiELBO, Trace_ELBO  # noqa: E402

from numpyro_igr import IGR, IGRStickBreaking, discretize  # noqa: E402

LAWS = [IGR, IGRStickBreaking]
COPIES = 4000


def laws_of(law):
    """A uniform prior, and a posterior between it and the exact marginals."""
    probs = jnp.array(0.6 * posterior_probs() + 0.4 / 4)
    uniform = jnp.full_like(probs, 0.25)
    return law.from_probs(0.5, uniform), law.from_probs(0.5, probs)


def model(prior, posterior):
    with numpyro.plate("copies", COPIES):
        code = numpyro.sample("code", prior.to_event(1))
        logits = code.reshape(COPIES, -1) @ jnp.array(DECODER)
        numpyro.sample("x", Bernoulli(logits=logits).to_event(1), obs=jnp.array(IMAGE))


def guide(prior, posterior):
    with numpyro.plate("copies", COPIES):
        numpyro.sample("code", posterior.to_event(1))


def bound(engine, laws):
    """Mean over independent copies of what the engine reports of one image."""
    key, pair = jax.random.key(0), (discretize(model), discretize(guide))
    return -jax.jit(lambda laws: engine.loss(key, {}, *pair, *laws))(laws) / COPIES


@pytest.mark.parametrize("law", LAWS)
def test_the_elbo_of_the_discretized_model_is_that_of_the_discrete_one(law):
    laws = laws_of(law)
    found = bound(Trace_ELBO(20), laws)
    assert found == pytest.approx(elbo(np.asarray(laws[1].probs)), abs=0.04)


@pytest.mark.parametrize("law", LAWS)
def test_weighted_bounds_rise_from_the_elbo_to_the_evidence(law):
    laws = laws_of(law)
    bounds = [bound(RenyiELBO(0, m), laws) for m in (2, 50)]
    steps = np.diff([elbo(np.asarray(laws[1].probs)), *bounds, log_evidence()])
    assert (steps > [0.2, 0.2, 0]).all()


@pytest.mark.parametrize("law", LAWS)
def test_the_mean_likelihood_minus_the_kl_is_no_bound(law):
    prior, posterior = (law.to_discrete() for law in laws_of(law))
    code = posterior.sample(jax.random.key(0), (100_000,)).reshape(100_000, -1)
    pixels = Bernoulli(logits=code @ jnp.array(DECODER))
    log_likelihood = pixels.log_prob(jnp.array(IMAGE)).sum(-1)
    log_mean = jax.nn.logsumexp(log_likelihood) - np.log(len(code))
    plug_in = log_mean - kl_divergence(posterior, prior).sum()
    assert plug_in > log_evidence() + 0.9
