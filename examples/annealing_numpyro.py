"""Anneal the temperature and the weight of the KL, in NumPyro.

The temperature falls by equal factors, and the weight of the KL rises to 1. Both are
arguments of model and guide, and arrays for jit, so nothing is compiled again. The
weight scales the site in both, since ELBOs with a closed-form KL use the guide's scale,
and others use both scales.

    python -m examples.annealing_numpyro
    python -m examples.annealing_numpyro --num-steps 5000
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array, random
from numpyro import handlers
from numpyro.distributions import Normal
from numpyro.distributions.constraints import positive
from numpyro.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from numpyro.optim import Adam

from examples.harness.command_line import Flags, at_least, option
from numpyro_igr import IGR, assert_analytic_kl, discretize, match_probs

NUM_GROUPS, NUM_POINTS = 3, 60


def model(x: Array, temperature: Array, kl_weight: Array) -> None:
    """Points around learned centers, the group of each from a uniform prior."""
    centers = numpyro.param("centers", 0.5 * jnp.eye(NUM_GROUPS, 2))
    uniform = match_probs(jnp.full(NUM_GROUPS, 1 / NUM_GROUPS))
    with numpyro.plate("data", len(x)):
        with handlers.scale(scale=kl_weight):
            z = numpyro.sample("z", IGR(temperature, uniform, 1.0))
        numpyro.sample("x", Normal(z @ centers, 0.3).to_event(1), obs=x)


def guide(x: Array, temperature: Array, kl_weight: Array) -> None:
    """A distribution of its own for the group of each point."""
    loc = numpyro.param("loc", jnp.zeros((len(x), NUM_GROUPS - 1)))
    scale = numpyro.param("scale", jnp.ones_like(loc), constraint=positive)
    with numpyro.plate("data", len(x)), handlers.scale(scale=kl_weight):
        numpyro.sample("z", IGR(temperature, loc, scale))


def make_points(key: Array) -> Array:
    """Three groups of points in the plane."""
    centers = jnp.array([[2.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])
    noise = random.normal(key, (NUM_POINTS, 2))
    return centers[jnp.arange(NUM_POINTS) % NUM_GROUPS] + 0.3 * noise


def train(num_steps: int, hottest: float = 1.0, coldest: float = 0.1) -> float:
    """Anneal while training; returns the ELBO of the discrete model, in nats a point.

    Args:
        num_steps: steps of Adam, from the hottest temperature to the coldest.
        hottest: the temperature at the start.
        coldest: the temperature at the end.
    """
    keys = random.split(random.key(0), 3)
    x = make_points(keys[0])
    temperatures = np.geomspace(hottest, coldest, num_steps)
    kl_weights = np.minimum(np.linspace(0.01, 2, num_steps), 1)
    svi = SVI(model, guide, Adam(0.05), TraceMeanField_ELBO())
    last = x, jnp.array(coldest), jnp.array(1.0)
    assert_analytic_kl(model, guide, *last)
    state, update = svi.init(keys[1], *last), jax.jit(svi.update)
    for temperature, kl_weight in zip(temperatures, kl_weights, strict=True):
        state, _ = update(state, x, jnp.array(temperature), jnp.array(kl_weight))
    discrete = discretize(model), discretize(guide)

    @jax.jit
    def loss(params: dict[str, Array]) -> Array:
        return Trace_ELBO(100).loss(keys[2], params, *discrete, *last)

    return -float(loss(svi.get_params(state))) / len(x)


@dataclass(frozen=True, kw_only=True)
class Options(Flags):
    """How long to train."""

    num_steps: int = option(
        "steps of Adam while annealing", 1000, "-n", where=at_least(1)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the bound."""
    elbo = train(Options.parse(__doc__, arguments).num_steps)
    print(f"ELBO of the discrete model: {elbo:.2f} nats a point")


if __name__ == "__main__":
    main()
