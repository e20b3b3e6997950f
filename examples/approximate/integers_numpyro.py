"""Approximate distributions of integers, in NumPyro (section 4.1 of the paper).

Trains IGR, IGR-SB and Gumbel-Softmax towards each target, and matches IGR and IGR-SB to
it exactly. Prints the total variation between the discrete distributions that these
relax and the target.

    python -m examples.approximate.integers_numpyro
    python -m examples.approximate.integers_numpyro --targets poisson -k 20 40 60 80
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax, random
from jax.typing import ArrayLike
from numpy.typing import NDArray
from numpyro.distributions import (
    Binomial,
    Categorical,
    Distribution,
    Geometric,
    NegativeBinomial,
    Poisson,
)
from numpyro.infer.svi import SVIState
from numpyro.optim import Adam

from examples.approximate.results import Method
from examples.approximate.runs import NUM_PERIODS, Host, Options, run
from examples.approximate.targets import WEIGHTS, Target
from numpyro_igr import IGR, InfiniteIGR, RelaxedOneHotCategorical, grow, tail_start

DISTRIBUTIONS = {
    "poisson": Poisson(50.0),
    "binomial": Binomial(12, 0.3),
    "negative-binomial": NegativeBinomial(50, 0.4),
    "geometric": Geometric(0.1),
    "discrete": Categorical(WEIGHTS / WEIGHTS.sum()),
}


def make_distribution(
    method: Method, temperature: float, parameters: Array
) -> Distribution:
    """The relaxed distribution that has these logits, or means of its Gaussians."""
    if method.family == "gumbel-softmax":
        return RelaxedOneHotCategorical(temperature, logits=parameters)
    if method.family == "igr-sb":
        return InfiniteIGR(temperature, parameters, 1.0, rho=1.0)
    return IGR(temperature, parameters, 1.0)


def match(method: Method, target: Target, options: Options) -> NDArray:
    """The probabilities recovered from what is matched to a target."""
    if method.family == "igr-sb":
        relaxed = InfiniteIGR.from_discrete(
            options.temperature, DISTRIBUTIONS[target.name]
        )
        return np.asarray(relaxed.probs)
    logits = jnp.array(target.log_probs(method.num_categories), jnp.float32)
    return np.asarray(IGR.from_probs(options.temperature, logits=logits).probs)


def objective(
    relaxed: Distribution, probs: Array, num_samples: int, key: Array
) -> Array:
    """Estimates the squared distance of a relaxed mean from probabilities."""
    one, other = relaxed.sample(key, (2, num_samples)).mean(1) - probs
    return (one * other).sum(-1)


def train(
    method: Method, target: Target, options: Options, learning_rate: float, seed: int
) -> Iterator[NDArray]:
    """Yields the recovered probabilities after each period of Adam."""
    optimizer = make_optimizer(learning_rate, options.decay)
    state = optimizer.init({"parameters": jnp.zeros(method.num_parameters)})
    for key in random.split(random.key(seed), NUM_PERIODS):
        goal = jnp.array(target.probs(method.num_categories), jnp.float32)
        state, relaxed = train_for_a_period(
            method, options, learning_rate, goal, state, key
        )
        yield (probs := np.asarray(relaxed.probs))
        if method.needs_more_sticks(probs):
            method = method.doubled()
            loc, _ = tail_start(relaxed, relaxed.num_sticks)
            grown = grow(SVIState(state, None, key), {"parameters": loc})
            state = grown.optim_state


def make_optimizer(learning_rate: ArrayLike, decay: float) -> Adam:
    """Adam with a step size that decays."""
    return Adam(lambda step: learning_rate * decay**step)


@partial(jax.jit, static_argnames=("method", "options"))
def train_for_a_period(
    method: Method,
    options: Options,
    learning_rate: float,
    goal: Array,
    state: Any,
    key: Array,
) -> tuple[Any, Distribution]:
    """Steps of Adam; returns what they lead to, too."""
    optimizer = make_optimizer(learning_rate, options.decay)

    def distribution_of(params: dict[str, Array]) -> Distribution:
        return make_distribution(method, options.temperature, params["parameters"])

    def step(state: Any, key: Array) -> tuple[Any, None]:
        def loss(params: dict[str, Array]) -> tuple[Array, None]:
            return objective(
                distribution_of(params), goal, options.num_samples, key
            ), None

        return optimizer.eval_and_update(loss, state)[1], None

    state, _ = lax.scan(step, state, random.split(key, options.period))
    return state, distribution_of(optimizer.get_params(state))


HOST = Host("numpyro", match, train)


def main(arguments: Sequence[str] | None = None) -> None:
    """Approximate what the command line says, print the distances and draw."""
    run(HOST, __doc__, arguments)


if __name__ == "__main__":
    main()
