"""Sites in a scan whose steps do not depend on one another are told apart."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import eval_shape, jit, random
from numpyro.contrib.control_flow import scan

from numpyro_igr import (
    IGRStickBreaking,
    TraceDiscreteKL_ELBO,
    TraceEnumeratedDiscrete_ELBO,
    TraceRELAX_ELBO,
    TraceSTL_ELBO,
    TraceUnorderedSet_ELBO,
)

X, LOCS = jnp.array([0.2, 1.3]), jnp.array([[0.4], [-0.8]])
PARAMS = {"locs": LOCS, "scale": 1.2}


def model(**_):
    prior = IGRStickBreaking.from_probs(0.5, jnp.array([0.3, 0.7]))

    def step(carry, x):
        z = numpyro.sample("z", prior)
        numpyro.sample("x", dist.Normal(z @ jnp.array([0.0, 1.0]), 0.8), obs=x)
        return carry, None

    scan(step, None, X)


def guide(*, is_chain=False, is_learned=False):
    scale = numpyro.param("scale", 1.0) if is_learned else 1.2

    def step(carry, loc):
        z = numpyro.sample("z", IGRStickBreaking(0.5, loc + carry, scale))
        return z[:1] if is_chain else carry, None

    scan(step, jnp.zeros(1), numpyro.param("locs", LOCS))


def test_a_set_of_all_of_their_values_has_the_enumerated_bound():
    engines = TraceUnorderedSet_ELBO(4), TraceEnumeratedDiscrete_ELBO()

    @jit
    def losses(key):
        return [engine.loss(key, PARAMS, model, guide) for engine in engines]

    found, exact = losses(random.key(0))
    np.testing.assert_allclose(found, exact, rtol=1e-5)


def test_a_chain_is_refused_as_a_set():
    loss = partial(TraceUnorderedSet_ELBO(4).loss, is_chain=True)
    with pytest.raises(ValueError, match="at site 'z' not to depend"):
        eval_shape(lambda key: loss(key, PARAMS, model, guide), random.key(0))


def test_relax_names_the_site_in_a_scan_and_what_trains_it():
    engine, key = TraceRELAX_ELBO(control_variate=None), random.key(0)
    params = PARAMS | {f"{engine.name}_scale": 1.0, f"{engine.name}_temperature": 0.5}
    with pytest.raises(ValueError, match="'z' lies in a scan.* TraceUnorderedSet_ELBO"):
        engine.loss(key, params, model, guide)


def test_gaussian_coordinates_name_a_site_that_only_the_model_draws_in_a_scan():
    def guide():
        numpyro.sample("z", IGRStickBreaking(0.5, LOCS, 1.2))

    with pytest.raises(ValueError, match="'z' has its value .*from a scan.* in a loop"):
        TraceSTL_ELBO().loss(random.key(0), {}, model, guide)


def test_a_scale_that_is_not_learned_is_not_warned_of():
    def loss(**options):
        engine, of = TraceDiscreteKL_ELBO(), (PARAMS, model, guide)
        return jit(lambda key: engine.loss(key, *of, **options))(random.key(0))

    fixed = loss()
    with pytest.warns(UserWarning, match="scale of the guide at site 'z' is learned"):
        learned = loss(is_learned=True)
    np.testing.assert_allclose(fixed, learned)
