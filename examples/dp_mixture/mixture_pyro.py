"""A Dirichlet-process mixture of Gaussians, in Pyro.

The number of components is inferred: the weights are those of infinitely many sticks,
and all components without a stick count as one more, at its prior.

    python -m examples.dp_mixture.mixture_pyro
    python -m examples.dp_mixture.mixture_pyro --dataset iris --capacity 20
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Iterator, Sequence

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from pyro import poutine
from pyro.distributions import (
    Categorical,
    Gamma,
    MixtureSameFamily,
    MultivariateNormal,
)
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.optim import ClippedAdam
from torch import Tensor
from torch.distributions.constraints import lower_cholesky, positive, real

from examples.dp_mixture.gaussians import Base, Gaussians
from examples.dp_mixture.inference import Draws, Host, Options
from examples.dp_mixture.parameters import PRIOR, Parameters
from examples.dp_mixture.report import report
from pyro_igr import GEM, InfiniteIGR, tail_start

Array = NDArray[np.floating]

CONSTRAINTS = Parameters(
    positive, real, real, positive, positive, positive, real, lower_cholesky
)
TINY = torch.finfo(torch.float32).tiny


def model(points: Tensor, base: Base, start: Parameters) -> None:
    """Weights, components and points, whose components are summed out."""
    concentration = pyro.sample("concentration", Gamma(*map(torch.tensor, PRIOR)))
    weights = pyro.sample("weights", GEM(concentration, start.num_sticks))
    with pyro.plate("components", start.num_sticks + 1):
        components = sample_components(*at_prior(base))
    with pyro.plate("points", len(points)):
        pyro.sample("x", make_mixture(weights, *components), obs=points)


def guide(points: Tensor, base: Base, start: Parameters) -> None:
    """Sticks that end in the prior, and components of which the last is at it."""
    shape_and_rate, *sticks, shape, rate, coefficients, scale_tril = learn(start)
    concentration = pyro.sample("concentration", Gamma(*shape_and_rate))
    pyro.sample("weights", make_sticks(concentration, *sticks))
    with pyro.plate("components", start.num_sticks + 1):
        learned = shape, rate, coefficients, scale_tril
        pairs = zip(learned, at_prior(base), strict=True)
        sample_components(*map(torch.cat, pairs))


def at_prior(base: Base) -> Iterator[Tensor]:
    """The parameters of a component at its prior."""
    return (torch.tensor(x, dtype=torch.float32) for x in Gaussians.at_prior(base))


def learn(start: Parameters) -> Iterator[Tensor]:
    """The parameters of the guide, which start there."""
    pairs = zip(start._asdict().items(), CONSTRAINTS, strict=True)
    for (name, value), constraint in pairs:
        yield pyro.param(f"q_{name}", torch.tensor(value), constraint=constraint)


def make_sticks(
    concentration: Tensor, loc: Tensor, follow: Tensor, scale: Tensor
) -> InfiniteIGR:
    """Sticks that follow those of the prior, in part."""
    tail = GEM(concentration, 1)
    sticks = InfiniteIGR(None, loc, scale, 1.0, tail=tail)
    tail_loc, tail_scale = tail_start(sticks, len(loc))
    loc = loc + follow * tail_loc
    return InfiniteIGR(None, loc, scale * tail_scale, 1.0, tail=tail)


def sample_components(
    shape: Tensor, rate: Tensor, coefficients: Tensor, scale_tril: Tensor
) -> tuple[Tensor, Tensor]:
    """Precisions and coefficients of the regressions that make each a Gaussian."""
    precision = pyro.sample("precision", Gamma(shape, rate).to_event(1))
    scale_tril = scale_tril * precision.rsqrt()[..., None, None]
    rows = MultivariateNormal(coefficients, scale_tril=scale_tril)
    return precision, pyro.sample("coefficients", rows.to_event(1))


def make_mixture(
    weights: Tensor, precision: Tensor, coefficients: Tensor
) -> MixtureSameFamily:
    """The distribution of a point."""
    scale = torch.diag_embed(precision.rsqrt())
    rows = torch.eye(precision.shape[-1]) - coefficients[..., :-1].tril(-1)
    right = torch.cat([coefficients[..., -1:], scale], -1)
    solved = torch.linalg.solve_triangular(rows, right, upper=False)
    gaussians = MultivariateNormal(solved[..., 0], scale_tril=solved[..., 1:])
    return MixtureSameFamily(Categorical(logits=weights.clamp(TINY).log()), gaussians)


def train(points: Array, base: Base, start: Parameters, options: Options) -> Parameters:
    """Maximises the bound, from there."""
    pyro.clear_param_store()
    pyro.set_rng_seed(options.seed)
    arguments = torch.tensor(points), base, start
    decay = 0.1 ** (1 / options.num_steps)
    optimizer = ClippedAdam({"lr": options.learning_rate, "lrd": decay})
    svi = SVI(model, guide, optimizer, TraceMeanField_ELBO())
    for _ in range(options.num_steps):
        svi.step(*arguments)
    store = pyro.get_param_store()
    return Parameters(*(store[f"q_{k}"].numpy(force=True) for k in Parameters._fields))


@torch.no_grad()
def bounds(points: Array, base: Base, found: Parameters, num_draws: int) -> Array:
    """The bound, in nats, by so many draws each."""
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    arguments = model, guide, torch.tensor(points), base, found
    losses = [TraceMeanField_ELBO().loss(*arguments) for _ in range(num_draws)]
    return -np.array(losses)


@torch.no_grad()
def draw(points: Array, base: Base, found: Parameters, num_draws: int) -> Draws:
    """What the guide says of the points."""
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    arguments = torch.tensor(points), base, found
    draws = [_draw(*arguments) for _ in range(num_draws)]
    return Draws(*(np.stack(x) for x in zip(*draws, strict=True)))


def _draw(points: Tensor, base: Base, found: Parameters) -> tuple[Array, Array, Array]:
    trace = poutine.trace(guide).get_trace(points, base, found)
    sites = "concentration", "weights", "precision", "coefficients"
    concentration, weights, *components = (trace.nodes[k]["value"] for k in sites)
    mixture = make_mixture(weights, *components)
    density = mixture.component_distribution.log_prob(points[:, None])
    logits = mixture.mixture_distribution.logits + density
    return logits.softmax(-1).numpy(), weights.numpy(), concentration.numpy()


HOST = Host("Pyro", train, bounds, draw)


def main(arguments: Sequence[str] | None = None) -> None:
    """Find the components of the data that the command line says, and report."""
    report(HOST, __doc__, arguments)


if __name__ == "__main__":
    main()
