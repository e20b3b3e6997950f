"""Anneal the temperature and the weight of the KL, in Pyro.

The temperature falls by equal factors, and the weight of the KL rises to 1. Both are
arguments of model and guide. The weight scales the site in both, since ELBOs with a
closed-form KL use the guide's scale, and others use both scales.

    python -m examples.annealing_pyro
    python -m examples.annealing_pyro --num-steps 5000
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyro
import torch
from pyro import poutine
from pyro.distributions import Normal
from pyro.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from pyro.optim import Adam
from torch import Tensor
from torch.distributions.constraints import positive

from examples.harness.command_line import Flags, at_least, option
from pyro_igr import IGR, assert_analytic_kl, discretize, match_probs

NUM_GROUPS, NUM_POINTS = 3, 60
UNIFORM = match_probs(torch.full((NUM_GROUPS,), 1 / NUM_GROUPS))


def model(x: Tensor, temperature: float, kl_weight: float) -> None:
    """Points around learned centers, the group of each from a uniform prior."""
    centers = pyro.param("centers", lambda: 0.5 * torch.eye(NUM_GROUPS, 2))
    with pyro.plate("data", len(x)):
        with poutine.scale(scale=kl_weight):
            z = pyro.sample("z", IGR(temperature, UNIFORM, 1.0))
        pyro.sample("x", Normal(z @ centers, 0.3).to_event(1), obs=x)


def guide(x: Tensor, temperature: float, kl_weight: float) -> None:
    """A distribution of its own for the group of each point."""
    loc = pyro.param("loc", lambda: torch.zeros(len(x), NUM_GROUPS - 1))
    scale = pyro.param("scale", lambda: torch.ones_like(loc), constraint=positive)
    with pyro.plate("data", len(x)), poutine.scale(scale=kl_weight):
        pyro.sample("z", IGR(temperature, loc, scale))


def make_points() -> Tensor:
    """Three groups of points in the plane."""
    centers = torch.tensor([[2.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])
    noise = torch.randn(NUM_POINTS, 2)
    return centers[torch.arange(NUM_POINTS) % NUM_GROUPS] + 0.3 * noise


def train(num_steps: int, hottest: float = 1.0, coldest: float = 0.1) -> float:
    """Anneal while training; returns the ELBO of the discrete model, in nats a point.

    Args:
        num_steps: steps of Adam, from the hottest temperature to the coldest.
        hottest: the temperature at the start.
        coldest: the temperature at the end.
    """
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    x = make_points()
    temperatures = np.geomspace(hottest, coldest, num_steps)
    kl_weights = np.minimum(np.linspace(0.01, 2, num_steps), 1)
    svi = SVI(model, guide, Adam({"lr": 0.05}), TraceMeanField_ELBO())
    last = x, coldest, 1.0
    assert_analytic_kl(model, guide, *last)
    for temperature, kl_weight in zip(temperatures, kl_weights, strict=True):
        svi.step(x, float(temperature), float(kl_weight))
    loss = Trace_ELBO(100).loss(discretize(model), discretize(guide), *last)
    return -loss / len(x)


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
