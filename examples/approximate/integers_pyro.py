"""Approximate distributions of integers, in Pyro (section 4.1 of the paper).

Trains IGR, IGR-SB and Gumbel-Softmax towards each target, and matches IGR and IGR-SB to
it exactly. Prints the total variation between the discrete distributions that these
relax and the target.

    python -m examples.approximate.integers_pyro
    python -m examples.approximate.integers_pyro --targets poisson -k 20 40 60 80
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Iterator, Sequence

import pyro
import torch
from numpy.typing import NDArray
from pyro.distributions import (
    Binomial,
    Categorical,
    Distribution,
    Geometric,
    NegativeBinomial,
    Poisson,
    RelaxedOneHotCategorical,
)
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import ExponentialLR

from examples.approximate.results import Method
from examples.approximate.runs import NUM_PERIODS, Host, Options, run
from examples.approximate.targets import WEIGHTS, Target
from pyro_igr import IGR, InfiniteIGR, grow, tail_start

DISTRIBUTIONS = {
    "poisson": Poisson(50.0),
    "binomial": Binomial(12, 0.3),
    "negative-binomial": NegativeBinomial(50, 0.4),
    "geometric": Geometric(0.1),
    "discrete": Categorical(torch.from_numpy(WEIGHTS / WEIGHTS.sum()).float()),
}


def make_distribution(
    method: Method, temperature: float, parameters: Tensor
) -> Distribution:
    """The relaxed distribution that has these logits, or means of its Gaussians."""
    if method.family == "gumbel-softmax":
        # PyTorch refuses many logits: their softmax sums to 1 but for rounding.
        return RelaxedOneHotCategorical(
            torch.tensor(temperature), logits=parameters, validate_args=False
        )
    if method.family == "igr-sb":
        return InfiniteIGR(temperature, parameters, 1.0, rho=1.0)
    return IGR(temperature, parameters, 1.0)


def match(method: Method, target: Target, options: Options) -> NDArray:
    """The probabilities recovered from what is matched to a target."""
    if method.family == "igr-sb":
        relaxed = InfiniteIGR.from_discrete(
            options.temperature, DISTRIBUTIONS[target.name]
        )
        return relaxed.probs.numpy()
    logits = torch.from_numpy(target.log_probs(method.num_categories)).float()
    return IGR.from_probs(options.temperature, logits=logits).probs.numpy()


def objective(relaxed: Distribution, probs: Tensor, num_samples: int) -> Tensor:
    """Estimates the squared distance of a relaxed mean from probabilities."""
    one, other = relaxed.rsample((2, num_samples)).mean(1) - probs
    return (one * other).sum(-1)


def train(
    method: Method, target: Target, options: Options, learning_rate: float, seed: int
) -> Iterator[NDArray]:
    """Yields the recovered probabilities after each period of Adam."""
    pyro.set_rng_seed(seed)
    parameters = torch.zeros(method.num_parameters, requires_grad=True)
    optimizer = Adam([parameters], learning_rate)
    decay = ExponentialLR(optimizer, options.decay)
    for _ in range(NUM_PERIODS):
        goal = torch.from_numpy(target.probs(method.num_categories)).float()
        for _ in range(options.period):
            relaxed = make_distribution(method, options.temperature, parameters)
            optimizer.zero_grad()
            objective(relaxed, goal, options.num_samples).backward()
            optimizer.step()
            decay.step()
        relaxed = make_distribution(method, options.temperature, parameters)
        yield (probs := relaxed.probs.numpy(force=True))
        if method.needs_more_sticks(probs):
            method = method.doubled()
            loc, _ = tail_start(relaxed, relaxed.num_sticks)
            grow(optimizer, {parameters: loc})


HOST = Host("pyro", match, train)


def main(arguments: Sequence[str] | None = None) -> None:
    """Approximate what the command line says, print the distances and draw."""
    run(HOST, __doc__, arguments)


if __name__ == "__main__":
    main()
