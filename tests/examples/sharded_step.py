"""A step on all devices and one on the first of them, as JSON: what each arrives at."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro.infer import SVI
from numpyro.optim import SGD

from examples.discrete_vae.options import Options
from examples.harness.devices_numpyro import copy_to_all, distribute, leave
from numpyro_igr import IGR, TraceDiscreteKL_ELBO

DATA = np.arange(12.0).reshape(4, 3) / 10


def model(batch):
    """One code for each row; the rows are a part of a larger set."""
    weights = numpyro.param("weights", jnp.ones(3))
    with numpyro.plate("rows", 8, subsample_size=len(batch)):
        code = numpyro.sample("code", IGR(0.5, jnp.zeros(2), jnp.ones(2)))
        mean = numpyro.distributions.Normal(batch @ weights, 1.0)
        numpyro.sample("x", mean, obs=code[..., 0])


def guide(batch):
    loc = numpyro.param("loc", jnp.ones(2))
    with numpyro.plate("rows", 8, subsample_size=len(batch)):
        numpyro.sample("code", IGR(0.5, loc, jnp.ones(2)))


def step(is_shared):
    options = Options(batch_size=4, data_parallel=is_shared)
    data, key = copy_to_all(options, (jnp.asarray(DATA), jax.random.PRNGKey(0)))
    svi = SVI(model, guide, SGD(0.01), TraceDiscreteKL_ELBO())
    svi = distribute(svi, data.sharding if is_shared else data.device)
    state = svi.init(key, data)
    state, loss = jax.jit(svi.update)(state, data)
    params = svi.get_params(state)
    everywhere = {k: len(v.sharding.device_set) for k, v in params.items()}
    assert all(v.sharding.is_fully_replicated for v in params.values())
    return [{k: v.tolist() for k, v in leave(params).items()}, float(loss), everywhere]


print(json.dumps([jax.device_count(), step(False), step(True)]))
