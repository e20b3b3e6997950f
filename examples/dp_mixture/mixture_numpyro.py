"""A Dirichlet-process mixture of Gaussians, in NumPyro.

The number of components is inferred: the weights are those of infinitely many sticks,
and all components without a stick count as one more, at its prior.

    python -m examples.dp_mixture.mixture_numpyro
    python -m examples.dp_mixture.mixture_numpyro --dataset iris --capacity 20
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Iterator, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array, lax, random
from numpy.typing import NDArray
from numpyro import handlers
from numpyro.distributions import (
    Categorical,
    Gamma,
    MixtureSameFamily,
    MultivariateNormal,
)
from numpyro.distributions.constraints import lower_cholesky, positive, real
from numpyro.infer import SVI, TraceMeanField_ELBO
from numpyro.optim import ClippedAdam

from examples.dp_mixture.gaussians import Base, Gaussians
from examples.dp_mixture.inference import Draws, Host, Options
from examples.dp_mixture.parameters import PRIOR, Parameters
from examples.dp_mixture.report import report
from numpyro_igr import GEM, InfiniteIGR, tail_start

CONSTRAINTS = Parameters(
    positive, real, real, positive, positive, positive, real, lower_cholesky
)
TINY = jnp.finfo(jnp.float32).tiny


def model(points: Array, base: Base, start: Parameters) -> None:
    """Weights, components and points, whose components are summed out."""
    concentration = numpyro.sample("concentration", Gamma(*PRIOR))
    weights = numpyro.sample("weights", GEM(concentration, start.num_sticks))
    with numpyro.plate("components", start.num_sticks + 1):
        components = sample_components(*at_prior(base))
    with numpyro.plate("points", len(points)):
        numpyro.sample("x", make_mixture(weights, *components), obs=points)


def guide(points: Array, base: Base, start: Parameters) -> None:
    """Sticks that end in the prior, and components of which the last is at it."""
    shape_and_rate, *sticks, shape, rate, coefficients, scale_tril = learn(start)
    concentration = numpyro.sample("concentration", Gamma(*shape_and_rate))
    numpyro.sample("weights", make_sticks(concentration, *sticks))
    with numpyro.plate("components", start.num_sticks + 1):
        learned = shape, rate, coefficients, scale_tril
        pairs = zip(learned, at_prior(base), strict=True)
        sample_components(*map(jnp.concatenate, pairs))


def at_prior(base: Base) -> Iterator[Array]:
    """The parameters of a component at its prior."""
    return (jnp.array(x, jnp.float32) for x in Gaussians.at_prior(base))


def learn(start: Parameters) -> Iterator[Array]:
    """The parameters of the guide, which start there."""
    pairs = zip(start._asdict().items(), CONSTRAINTS, strict=True)
    for (name, value), constraint in pairs:
        yield numpyro.param(f"q_{name}", value, constraint=constraint)


def make_sticks(
    concentration: Array, loc: Array, follow: Array, scale: Array
) -> InfiniteIGR:
    """Sticks that follow those of the prior, in part."""
    tail = GEM(concentration, 1)
    sticks = InfiniteIGR(None, loc, scale, 1.0, tail=tail)
    tail_loc, tail_scale = tail_start(sticks, len(loc))
    loc = loc + follow * tail_loc
    return InfiniteIGR(None, loc, scale * tail_scale, 1.0, tail=tail)


def sample_components(
    shape: Array, rate: Array, coefficients: Array, scale_tril: Array
) -> tuple[Array, Array]:
    """Precisions and coefficients of the regressions that make each a Gaussian."""
    precision = numpyro.sample("precision", Gamma(shape, rate).to_event(1))
    scale_tril = scale_tril / jnp.sqrt(precision)[..., None, None]
    rows = MultivariateNormal(coefficients, scale_tril=scale_tril)
    return precision, numpyro.sample("coefficients", rows.to_event(1))


def make_mixture(
    weights: Array, precision: Array, coefficients: Array
) -> MixtureSameFamily:
    """The distribution of a point."""
    eye = jnp.eye(precision.shape[-1])
    scale = eye / jnp.sqrt(precision)[..., None]
    rows = eye - jnp.tril(coefficients[..., :-1], -1)
    right = jnp.concatenate([coefficients[..., -1:], scale], -1)
    solved = lax.linalg.triangular_solve(rows, right, left_side=True, lower=True)
    gaussians = MultivariateNormal(solved[..., 0], scale_tril=solved[..., 1:])
    logits = jnp.log(jnp.maximum(weights, TINY))
    return MixtureSameFamily(Categorical(logits=logits), gaussians)


def train(
    points: NDArray, base: Base, start: Parameters, options: Options
) -> Parameters:
    """Maximises the bound, from there."""
    settings = options.num_steps, options.learning_rate
    return _train(points, base, start, random.key(options.seed), *settings)


@partial(jax.jit, static_argnames=("base", "num_steps", "learning_rate"))
def _train(
    points: Array,
    base: Base,
    start: Parameters,
    key: Array,
    num_steps: int,
    learning_rate: float,
) -> Parameters:
    optimizer = ClippedAdam(lambda step: learning_rate * 0.1 ** (step / num_steps))
    svi = SVI(model, guide, optimizer, TraceMeanField_ELBO())
    arguments = points, base, start
    state = svi.init(key, *arguments)
    state = lax.fori_loop(
        0, num_steps, lambda _, s: svi.update(s, *arguments)[0], state
    )
    params = svi.get_params(state)
    return Parameters(*(params[f"q_{name}"] for name in Parameters._fields))


@partial(jax.jit, static_argnames=("base", "num_draws"))
def bounds(points: Array, base: Base, found: Parameters, num_draws: int) -> Array:
    """The bound, in nats, by so many draws each."""
    arguments = {}, model, guide, points, base, found
    elbo = TraceMeanField_ELBO()
    keys = random.split(random.key(0), num_draws)
    return -lax.map(lambda key: elbo.loss(key, *arguments), keys)


def draw(points: NDArray, base: Base, found: Parameters, num_draws: int) -> Draws:
    """What the guide says of the points."""
    return Draws(*map(np.asarray, _draw(points, base, found, num_draws)))


@partial(jax.jit, static_argnames=("base", "num_draws"))
def _draw(
    points: Array, base: Base, found: Parameters, num_draws: int
) -> tuple[Array, Array, Array]:
    def one(key: Array) -> tuple[Array, Array, Array]:
        seeded = handlers.trace(handlers.seed(guide, key))
        sites = seeded.get_trace(points, base, found)
        names = "concentration", "weights", "precision", "coefficients"
        concentration, weights, *components = (sites[k]["value"] for k in names)
        mixture = make_mixture(weights, *components)
        density = mixture.component_distribution.log_prob(points[:, None])
        logits = mixture.mixing_distribution.logits + density
        return jax.nn.softmax(logits), weights, concentration

    return lax.map(one, random.split(random.key(0), num_draws))


HOST = Host("NumPyro", train, bounds, draw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Find the components of the data that the command line says, and report."""
    report(HOST, __doc__, arguments)


if __name__ == "__main__":
    main()
