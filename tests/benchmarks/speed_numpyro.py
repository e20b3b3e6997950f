"""What is timed in NumPyro: each entry a call, compiled, that waits for its result."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import optax
from jax import random
from numpyro.distributions import Bernoulli, kl_divergence
from numpyro.infer import SVI, TraceMeanField_ELBO
from numpyro.optim import optax_to_numpyro

from numpyro_igr import (
    IGR,
    IGRStickBreaking,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    TraceDiscreteKL_ELBO,
    TraceRELAX_ELBO,
)

TAU, PIXELS, VARIABLES, CATEGORIES, BATCH = 0.5, 784, 20, 10, 100
OURS = {"IGR": IGR, "sticks": IGRStickBreaking}
FAMILIES = (*OURS, "Gumbel-Softmax")


def waits(run, *arguments):
    compiled = jax.jit(run)
    return lambda: jax.block_until_ready(compiled(*arguments))


def width(family, categories):
    """How many numbers are the parameters of a variable's distribution."""
    return categories - 1 if family in OURS else categories


def make(family, parameters):
    """A relaxed one-hot distribution of unit scale."""
    if family in OURS:
        return OURS[family](TAU, parameters, jnp.ones_like(parameters))
    return RelaxedOneHotCategorical(TAU, logits=parameters)


def start(family, shape):
    """Random parameters, and weights for a value to be used with."""
    *batch, categories = shape
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=(*batch, width(family, categories)))
    return [jnp.array(x, jnp.float32) for x in (parameters, rng.normal(size=shape))]


def discrete_kl(family, shape):
    """A sample, the KL of the discrete distributions, and the gradient of both."""
    parameters, weights = start(family, shape)
    uniform = OneHotCategorical(logits=jnp.zeros(shape[-1]))

    def run(parameters, key):
        q = make(family, parameters)
        z = q.rsample(key)
        discrete = OneHotCategorical(logits=q.logits)
        return (weights * z).sum() + kl_divergence(discrete, uniform).sum()

    return waits(jax.grad(run), parameters, random.key(0))


def relaxed_kl(family, shape):
    """A sample, the KL of the relaxed distributions, closed form or sampled."""
    parameters, weights = start(family, shape)

    def run(parameters, key):
        q, p = (
            make(family, parameters),
            make(family, jnp.zeros_like(parameters[:1, :1])),
        )
        z = q.rsample(key)
        sampled = family not in OURS
        kl = q.log_prob(z) - p.log_prob(z) if sampled else kl_divergence(q, p)
        return (weights * z).sum() + kl.sum()

    return waits(jax.grad(run), parameters, random.key(0))


def images():
    return jnp.array(
        np.random.default_rng(0).random((BATCH, PIXELS)) < 0.2, jnp.float32
    )


def parameters_of_vae(family):
    rng, outputs = np.random.default_rng(0), width(family, CATEGORIES)
    sizes = {"encoder": (PIXELS, VARIABLES * outputs)}
    sizes["decoder"] = (VARIABLES * CATEGORIES, PIXELS)
    weights = {n: 0.01 * rng.normal(size=size) for n, size in sizes.items()}
    return {n: jnp.array(x, jnp.float32) for n, x in weights.items()}


def vae(family):
    """The linear VAE of 20 variables of 10 categories."""
    start, outputs = parameters_of_vae(family), width(family, CATEGORIES)

    def model(x):
        weights = numpyro.param("decoder", start["decoder"])
        data = numpyro.plate("images", BATCH, dim=-2)
        with data, numpyro.plate("codes", VARIABLES):
            z = numpyro.sample("z", make(family, jnp.zeros(outputs)))
        with data:
            logits = (z.reshape(BATCH, -1) @ weights)[:, None]
            pixels = Bernoulli(logits=logits).to_event(1)
            numpyro.sample("x", pixels, obs=x[:, None])

    def guide(x):
        weights = numpyro.param("encoder", start["encoder"])
        parameters = (x @ weights).reshape(BATCH, VARIABLES, outputs)
        with numpyro.plate("images", BATCH, dim=-2), numpyro.plate("codes", VARIABLES):
            numpyro.sample("z", make(family, parameters))

    return model, guide


def step(engine, model, guide, *arguments):
    """A step of Adam by SVI, which goes on from where the last one ended."""
    svi = SVI(model, guide, optax_to_numpyro(optax.adam(1e-3)), engine)
    states = [svi.init(random.key(0), *arguments)]
    update = jax.jit(svi.update)

    def run():
        states[0], loss = update(states[0], *arguments)
        return loss.block_until_ready()

    return run


def vae_step(family, engine=TraceDiscreteKL_ELBO):
    return step(engine(), *vae(family), images())


def svi_step():
    """With the closed form of the relaxed KL."""
    return vae_step("sticks", TraceMeanField_ELBO)


def bare_step():
    """The same loss, gradient and step without models, guides and engines."""
    x, optimizer = images(), optax.adam(1e-3)

    def loss(weights, key):
        parameters = (x @ weights["encoder"]).reshape(BATCH, VARIABLES, -1)
        q, p = (make("sticks", m) for m in (parameters, jnp.zeros_like(parameters[0])))
        logits = q.rsample(key).reshape(BATCH, -1) @ weights["decoder"]
        likelihood = optax.sigmoid_binary_cross_entropy(logits, x).sum()
        return likelihood + kl_divergence(q, p).sum()

    @jax.jit
    def update(weights, state, key):
        value, gradient = jax.value_and_grad(loss)(weights, key)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(weights, updates), state, random.split(key)[0], value

    weights = parameters_of_vae("sticks")
    states = [(weights, optimizer.init(weights), random.key(0))]

    def run():
        *states[0], value = update(*states[0])
        return value.block_until_ready()

    return run


def relax_step():
    """One site of three categories."""

    def model():
        z = numpyro.sample("z", IGR(TAU, jnp.zeros(2), jnp.ones(2)))
        numpyro.factor("x", z @ jnp.array([0.3, -1.0, 0.5]))

    def guide():
        loc = numpyro.param("loc", jnp.zeros(2))
        numpyro.sample("z", IGR(TAU, loc, jnp.ones(2)))

    return step(TraceRELAX_ELBO(), model, guide)
