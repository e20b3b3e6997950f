"""Two lines relax a discrete model: a mixture and a hidden Markov model, in Pyro.

Both can be solved exactly, which checks the log evidence and posterior probabilities
of the relaxed models after they are discretized. Gumbel-Softmax is the comparison.

    python -m examples.swap_in.models_pyro
    python -m examples.swap_in.models_pyro --num-steps 5000 --num-points 100
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import numpy as np
import pyro
import torch
from pyro.distributions import (
    Distribution,
    Normal,
    OneHotCategorical,
    RelaxedOneHotCategorical,
)
from pyro.infer import SVI, RenyiELBO, Trace_ELBO
from pyro.optim import Adam

from examples.swap_in.exact import (
    Answer,
    Options,
    Problem,
    format_answers,
    make_chain,
    make_mixture,
)
from pyro_igr import (
    IGR,
    AutoIGR,
    IGRStickBreaking,
    TraceDiscreteKL_ELBO,
    discretize,
    relax,
)

FAMILIES = {
    "IGR-SB (sticks)": IGRStickBreaking,
    "Gumbel-Softmax": RelaxedOneHotCategorical,
}
# Matched by a solver, at every step of a chain anew: for the mixture only.
SOLVED = {"IGR": IGR}


def to_tensors(problem: Problem) -> Problem:
    """The parameters and the data as tensors."""
    arrays = (problem.x, problem.means, problem.start, problem.transitions)
    x, means, start, transitions = (
        a if a is None else torch.tensor(a, dtype=torch.get_default_dtype())
        for a in arrays
    )
    return problem._replace(x=x, means=means, start=start, transitions=transitions)


def mixture(problem: Problem) -> None:
    """A state for each point, all independent."""
    with pyro.plate("data", len(problem.x)):
        z = pyro.sample("z", OneHotCategorical(problem.start))
        pyro.sample("x", Normal(z @ problem.means, 1.0), obs=problem.x)


def chain(problem: Problem) -> None:
    """A state for each point, which depends on the state before."""
    probs = problem.start
    for t, x in enumerate(problem.x):
        z = pyro.sample(f"z{t}", OneHotCategorical(probs))
        pyro.sample(f"x{t}", Normal(z @ problem.means, 1.0), obs=x)
        probs = z @ problem.transitions


def site_shapes(problem: Problem) -> dict[str, tuple[int, ...]]:
    """The shapes of the states, by site."""
    num_points, num_states = problem.posterior.shape
    if problem.transitions is None:
        return {"z": (num_points, num_states)}
    return {f"z{t}": (num_states,) for t in range(num_points)}


def gumbel_softmax_guide(problem: Problem, temperature: float) -> None:
    """The guide that :class:`AutoIGR` would be for Gumbel-Softmax."""
    for name, shape in site_shapes(problem).items():
        with pyro.plate("data", shape[0]) if shape[1:] else nullcontext():
            logits = pyro.param(f"{name}_logits", torch.zeros(shape))
            state = RelaxedOneHotCategorical(torch.tensor(temperature), logits=logits)
            pyro.sample(name, state)


def fit(
    model: Callable,
    problem: Problem,
    family: type[Distribution],
    temperature: float = 0.25,
    num_steps: int = 1000,
    num_particles: int = 4,
) -> Answer:
    """Relax a model, train it, discretize it, and say what it knows.

    The KL is the exact one of the discrete distributions for each of the families.
    """
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    problem = to_tensors(problem)
    relaxed = relax(model, temperature, family=family)
    if family is RelaxedOneHotCategorical:
        guide = partial(gumbel_softmax_guide, temperature=temperature)
    else:
        guide = AutoIGR(relaxed, temperature)
    many = {"vectorize_particles": True, "max_plate_nesting": 1}
    engine = TraceDiscreteKL_ELBO(num_particles=num_particles, **many)
    svi = SVI(relaxed, guide, Adam({"lr": 0.05}), engine)
    for _ in range(num_steps):
        svi.step(problem)
    discrete = discretize(relaxed), discretize(guide), problem
    bounds = (
        Trace_ELBO(num_particles=500, **many),
        RenyiELBO(alpha=0, num_particles=1000, **many),
    )
    elbo, importance = (-bound.loss(*discrete) for bound in bounds)
    if family is RelaxedOneHotCategorical:
        params = pyro.get_param_store()
        names = site_shapes(problem)
        probs = {n: params[f"{n}_logits"].detach().softmax(-1) for n in names}
    else:
        probs = guide.median(problem)
    rows = np.concatenate([np.atleast_2d(rows) for rows in probs.values()])
    return Answer(elbo, importance, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit both models with each family and print the answers."""
    options = Options.parse(__doc__, arguments)
    of_mixture = make_mixture(options.num_points)
    of_chain = make_chain(num_steps=options.num_points)
    for title, model, problem, families in [
        ("Gaussian mixture", mixture, of_mixture, FAMILIES | SOLVED),
        ("Hidden Markov model", chain, of_chain, FAMILIES),
    ]:
        answers = {
            name: fit(model, problem, family, num_steps=options.num_steps)
            for name, family in families.items()
        }
        print(format_answers(title, problem, answers))


if __name__ == "__main__":
    main()
