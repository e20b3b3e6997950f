"""A latent OneHotCategorical under the host's engines: refused, with the remedy."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro import handlers, infer
from numpyro.contrib.funsor import config_enumerate, infer_discrete
from numpyro.infer.autoguide import AutoNormal
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import OneHotCategorical

KEY = random.key(0)
X = np.array([-1.0, 0.5, 2.0], np.float32)
WEIGHTS = np.array([0.5, 0.3, 0.2], np.float32)
CENTRES = np.array([-1.0, 0.0, 2.0], np.float32)
JOINT = WEIGHTS * np.exp(-0.5 * (X[:, None] - CENTRES) ** 2) / np.sqrt(2 * np.pi)
POSTERIOR = JOINT / JOINT.sum(-1, keepdims=True)
PARALLEL = {"enumerate": "parallel"}


def vectors(infer=None):
    offset = numpyro.sample("offset", dist.Normal(0.0, 1e-3))
    with numpyro.plate("data", len(X)):
        z = numpyro.sample("z", OneHotCategorical(WEIGHTS), infer=infer)
        numpyro.sample("x", dist.Normal(z @ CENTRES + offset, 1.0), obs=X)


def integers():
    """The remedy of the error."""
    offset = numpyro.sample("offset", dist.Normal(0.0, 1e-3))
    with numpyro.plate("data", len(X)):
        index = numpyro.sample("z", dist.Categorical(WEIGHTS), infer=PARALLEL)
        z = jax.nn.one_hot(index, 3)
        numpyro.sample("x", dist.Normal(z @ CENTRES + offset, 1.0), obs=X)


def guide():
    numpyro.sample("offset", dist.Normal(0.0, 1e-3))


def marked():
    return vectors(PARALLEL)


def sampled(kernel):
    infer.MCMC(kernel, num_warmup=1, num_samples=1, progress_bar=False).run(KEY)


def evidence(model, guide):
    elbo = infer.TraceEnum_ELBO(max_plate_nesting=1)
    return elbo.loss(KEY, {}, model, guide)


def drawn(model):
    with handlers.seed(rng_seed=KEY):
        return infer_discrete(model, first_available_dim=-2, rng_key=KEY)()


ENGINES = {
    "NUTS": lambda: sampled(infer.NUTS(vectors)),
    "SA": lambda: sampled(infer.SA(vectors)),
    "DiscreteHMCGibbs": lambda: sampled(infer.DiscreteHMCGibbs(infer.NUTS(vectors))),
    "MixedHMC": lambda: sampled(infer.MixedHMC(infer.HMC(vectors))),
    "TraceEnum_ELBO": lambda: evidence(config_enumerate(vectors), guide),
    "TraceEnum_ELBO, marked": lambda: evidence(marked, guide),
    "AutoNormal": lambda: AutoNormal(vectors)(),
    "infer_discrete": lambda: drawn(config_enumerate(vectors)),
    "infer_discrete, marked": lambda: drawn(marked),
    "Predictive": lambda: infer.Predictive(
        vectors, {"offset": jnp.zeros(1)}, infer_discrete=True
    )(KEY),
}


@pytest.mark.filterwarnings("ignore:Some algorithms will automatically enumerate")
@pytest.mark.parametrize("run", ENGINES.values(), ids=ENGINES)
def test_an_engine_that_enumerates_is_refused_with_the_remedy(run):
    with handlers.seed(rng_seed=0):
        with pytest.raises(NotImplementedError, match="sample a Categorical of the"):
            run()


WRAPPERS = {
    "mask": lambda law: law.mask(np.array([True, True, False])),
    "to_event": lambda law: law.to_event(1),
    "expand": lambda law: law.expand((2, 3)),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_no_wrapper_hides_the_refusal(wrap):
    def model():
        numpyro.sample("z", wrap(OneHotCategorical(WEIGHTS).expand((3,))))
        numpyro.sample("offset", dist.Normal(0.0, 1.0))

    with pytest.raises(NotImplementedError):
        sampled(infer.DiscreteHMCGibbs(infer.NUTS(model)))


def test_the_remedy_gives_the_evidence_and_the_posterior():
    found = evidence(integers, guide)
    assert found == pytest.approx(-np.log(JOINT.sum(-1)).sum(), abs=5e-3)
    offsets = {"offset": jnp.zeros(2000)}
    draws = infer.Predictive(integers, offsets, infer_discrete=True)(KEY)["z"]
    frequencies = np.eye(3)[draws].mean(0)
    error = np.sqrt(POSTERIOR * (1 - POSTERIOR) / 2000)
    assert (abs(frequencies - POSTERIOR) < 4.5 * error + 1e-3).all()


def test_the_family_does_not_claim_to_be_enumerated():
    assert OneHotCategorical.has_enumerate_support is False
