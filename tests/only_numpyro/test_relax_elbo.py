"""TraceRELAX_ELBO in NumPyro: parameters that SVI finds in programs, and its noise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro import handlers
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import (
    ControlNetwork,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    TraceRELAX_ELBO,
)

KEY, K = random.key(0), 3


def model():
    z = numpyro.sample("z", RelaxedOneHotCategorical(0.5, logits=jnp.zeros(K)))
    numpyro.sample("x", dist.Normal(z[0], 1.0), obs=0.0)


def guide():
    logits = numpyro.param("logits", jnp.zeros(K))
    numpyro.sample("z", RelaxedOneHotCategorical(0.5, logits=logits))


# The host's uniform noise can be 0; in single precision about once in 2^23 draws.
def test_the_least_noise_of_the_host_has_a_finite_gradient(monkeypatch):
    least, logistic = float(np.log(np.finfo(np.float32).tiny)), random.logistic

    def with_least(key, shape, dtype):
        return logistic(key, shape, dtype).at[..., 0].set(least)

    monkeypatch.setattr(random, "logistic", with_least)
    engine = TraceRELAX_ELBO(name="relax", control_variate=None)
    params = {"logits": jnp.zeros(K), "relax_scale": 1.0, "relax_temperature": 0.5}
    loss = partial(engine.loss, KEY, model=model, guide=guide)
    found = jax.jit(jax.grad(loss))(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


def test_an_untrained_control_variate_is_warned_of_once():
    engine = TraceRELAX_ELBO(name="relax")
    loss = partial(engine.loss, KEY, {}, model, guide)
    with pytest.warns(UserWarning, match="control variate is not trained"):
        jax.eval_shape(loss)
    jax.eval_shape(loss)


def test_engines_in_one_program_do_not_share_parameters():
    engines = [TraceRELAX_ELBO(control_variate=ControlNetwork(n)) for n in (2, 3)]
    declaring = guide
    for engine in engines:
        declaring = engine.with_parameters(declaring)
    sites = handlers.trace(handlers.seed(declaring, KEY)).get_trace()
    for engine, num_hidden in zip(engines, (2, 3), strict=True):
        assert sites[f"{engine.name}_output_z"]["value"].shape == (num_hidden + 1,)
        assert f"{engine.name}_scale" in sites


@pytest.mark.parametrize("control_variate", [None, ControlNetwork(2)])
def test_what_lies_outside_of_plates_counts_for_every_site(control_variate):
    start, means = jnp.zeros((2, 2)), jnp.array([0.0, 4.0])
    x, prior = jnp.array([4.0, 0.0]), OneHotCategorical(jnp.ones((2, 2)) / 2)

    def crossed():
        z = numpyro.sample("z", prior)
        numpyro.sample("x", dist.Normal(z[::-1] @ means, 1.0), obs=x)

    def apart():
        logits = numpyro.param("logits", start)
        numpyro.sample("z", OneHotCategorical(logits=logits))

    def negative_elbo(logits):
        log_q = jax.nn.log_softmax(logits)
        log_p = dist.Normal(means, 1.0).log_prob(x[::-1, None]) - jnp.log(2)
        return (jnp.exp(log_q) * (log_q - log_p)).sum()

    engine = TraceRELAX_ELBO(name="relax", control_variate=control_variate)
    params = {"logits": start, "relax_scale": 1.0, "relax_temperature": 0.5}
    params |= {"relax_hidden_z": jnp.ones((3, 2)), "relax_output_z": jnp.ones(3)}
    loss = partial(engine.loss, model=crossed, guide=apart)
    gradient = jax.jit(jax.vmap(lambda key: jax.grad(loss, 1)(key, params)["logits"]))
    found = gradient(random.split(KEY, 3000))
    error = found.std(0) / len(found) ** 0.5
    assert (abs(found.mean(0) - jax.grad(negative_elbo)(start)) < 4.5 * error).all()


def test_a_second_derivative_of_the_loss_is_refused():
    engine = TraceRELAX_ELBO(name="relax", control_variate=None)
    params = {"logits": jnp.zeros(K), "relax_scale": 1.0, "relax_temperature": 0.5}
    loss = partial(engine.loss, KEY, model=model, guide=guide)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        jax.eval_shape(jax.hessian(loss), params)
