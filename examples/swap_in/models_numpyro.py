"""Two lines relax a discrete model: a mixture and a hidden Markov model, in NumPyro.

Both can be solved exactly, which checks the log evidence and posterior probabilities
of the relaxed models after they are discretized. Gumbel-Softmax is the comparison.

    python -m examples.swap_in.models_numpyro
    python -m examples.swap_in.models_numpyro --num-steps 5000 --num-points 100
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jax import Array, random
from numpyro.distributions import Distribution, Normal
from numpyro.infer import SVI, RenyiELBO, Trace_ELBO
from numpyro.optim import Adam

from examples.swap_in.exact import (
    Answer,
    Options,
    Problem,
    format_answers,
    make_chain,
    make_mixture,
)
from numpyro_igr import (
    IGR,
    AutoIGR,
    IGRStickBreaking,
    OneHotCategorical,
    RelaxedOneHotCategorical,
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


def mixture(problem: Problem) -> None:
    """A state for each point, all independent."""
    with numpyro.plate("data", len(problem.x)):
        z = numpyro.sample("z", OneHotCategorical(problem.start))
        numpyro.sample("x", Normal(z @ problem.means, 1.0), obs=problem.x)


def chain(problem: Problem) -> None:
    """A state for each point, which depends on the state before."""
    probs = problem.start
    for t, x in enumerate(problem.x):
        z = numpyro.sample(f"z{t}", OneHotCategorical(probs))
        numpyro.sample(f"x{t}", Normal(z @ problem.means, 1.0), obs=x)
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
        with numpyro.plate("data", shape[0]) if shape[1:] else nullcontext():
            logits = numpyro.param(f"{name}_logits", jnp.zeros(shape))
            state = RelaxedOneHotCategorical(temperature, logits=logits)
            numpyro.sample(name, state)


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
    relaxed = relax(model, temperature, family=family)
    if family is RelaxedOneHotCategorical:
        guide = partial(gumbel_softmax_guide, temperature=temperature)
    else:
        guide = AutoIGR(relaxed, temperature)
    engine = TraceDiscreteKL_ELBO(num_particles=num_particles)
    svi = SVI(relaxed, guide, Adam(0.05), engine)
    run = svi.run(random.key(0), num_steps, problem, progress_bar=False)
    discrete = discretize(relaxed), discretize(guide), problem
    bounds = Trace_ELBO(num_particles=500), RenyiELBO(alpha=0, num_particles=1000)

    @jax.jit
    def score(params: dict[str, Array]) -> list[Array]:
        return [-bound.loss(random.key(1), params, *discrete) for bound in bounds]

    elbo, importance = map(float, score(run.params))
    if family is RelaxedOneHotCategorical:
        names = site_shapes(problem)
        probs = {n: jax.nn.softmax(run.params[f"{n}_logits"]) for n in names}
    else:
        probs = guide.median(run.params)
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
