"""The table of bias and variance in the examples' results, for a model of 2 x 3 codes.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.estimator_variance

NumPyro only. Every family has the same probabilities, the decoder the same weights. All
gradients are compared with that of the discrete ELBO, codes enumerated. REBAR and RELAX
come once more with their control variate trained, and nothing else.
"""

import os
from typing import NamedTuple

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import random
from numpyro.distributions import Distribution
from numpyro.infer import SVI

from examples.discrete_vae.codes_numpyro import make_prior
from examples.discrete_vae.options import ESTIMATORS, Options
from examples.discrete_vae.vae_numpyro import make_objectives
from numpyro_igr import RaoBlackwellized
from tests.benchmarks.report_table import EXAMPLES, to_row, write_table

NUM_PIXELS, NUM_DRAWS, AT_ONCE = 8, 100_000, 2000
TEMPERATURES = (0.1, 0.5, 1.0)
NUM_STEPS, NUM_TRAINING, LEARNING_RATE = 2000, 20, 0.003
SKIPPED = ["exact", "relax"]  # the truth; REBAR until it is trained
SKIPPED += ["analytic-kl-unit"]  # in means, what analytic-kl is at scale 1
SKIPPED += [name for name in ESTIMATORS if "iwae" in name or name == "vimco"]
TRAINED = ("rebar", "relax")
SETS = "unordered-set", "leave-one-out"
UNBIASED = "rebar", "relax", *SETS
HEADER = (
    "| estimator | family | temperature | bias | standard deviation | z |\n"
    "|---|---|---|---|---|---|"
)
RNG = np.random.default_rng(0)
IMAGE = jnp.array(RNG.random((1, NUM_PIXELS)) > 0.5, jnp.float32)
LOGITS = jnp.array(RNG.normal(size=(2, 3)), jnp.float32)
DECODER = jnp.array(RNG.normal(size=(6, NUM_PIXELS), scale=1.5), jnp.float32)


def parameters(prior, estimator):
    """A blank encoder whose biases give the probabilities, and the decoder."""
    prior = prior.base_dist if isinstance(prior, RaoBlackwellized) else prior
    if hasattr(prior, "loc"):
        loc = type(prior).from_probs(1.0, logits=LOGITS).loc
        fixed = ESTIMATORS[estimator].fixed_scale
        bias = loc if fixed else jnp.concatenate([loc, jnp.zeros_like(loc)], -1)
    else:
        bias = LOGITS
    encoder = jnp.zeros((NUM_PIXELS, bias.size)), bias.ravel()
    decoder = DECODER, jnp.zeros(NUM_PIXELS)
    return {"encoder$params": [encoder], "decoder$params": [decoder]}


class Problem(NamedTuple):
    """What an estimator is of: its SVI, the prior of the codes, and all parameters."""

    svi: SVI
    prior: Distribution
    params: dict
    num_locations: int


def make_problem(estimator, family, temperature, samples=None):
    """The problem at the parameters of the table.

    Args:
        estimator: One of `ESTIMATORS`.
        family: Of the codes.
        temperature: Of the codes, or where the one that is learned starts.
        samples: The codes in a draw, as few as possible by default.
    """
    samples = samples or ESTIMATORS[estimator].least_samples
    options = Options(
        family=family,
        estimator=estimator,
        temperature=temperature,
        num_samples=samples,
        num_variables=2,
        num_categories=3,
    )
    sizes = options.sizes(NUM_PIXELS)
    svi = make_objectives(sizes, 1e-3, estimator, samples).training
    prior = make_prior(options)
    start, num = parameters(prior, estimator), 3 if family == "gumbel-softmax" else 2
    start = svi.get_params(svi.init(random.PRNGKey(0), IMAGE, prior)) | start
    if estimator in TRAINED:
        start |= {"relax_temperature": jnp.array(temperature)}
    return Problem(svi, prior, start, num)


def trained(estimator, family):
    """The problem with a trained control variate."""
    problem = make_problem(estimator, family, 0.5, NUM_TRAINING)

    def labels(params):
        return {n: "learned" if n.startswith("relax_") else "given" for n in params}

    rates = {"learned": optax.adam(LEARNING_RATE), "given": optax.set_to_zero()}
    optimizer = optax.multi_transform(rates, labels)
    svi = SVI(problem.svi.model, problem.svi.guide, optimizer, problem.svi.loss)
    result = svi.run(
        random.PRNGKey(0),
        NUM_STEPS,
        IMAGE,
        problem.prior,
        progress_bar=False,
        init_params=problem.params,
    )
    return make_problem(estimator, family, 0.5)._replace(params=result.params)


def gradients(problem):
    """A function of a key: a gradient in the guide's locations and in the decoder."""
    svi, prior, start, num = problem

    def draw(key):
        def loss(params):
            return svi.loss.loss(key, params, svi.model, svi.guide, IMAGE, prior)

        found = jax.grad(loss)(start)
        guide = found["encoder$params"][0][1].reshape(2, -1)[:, :num]
        return guide.ravel(), found["decoder$params"][0][0].ravel()

    return draw


def moments(draw):
    """Mean and variance of each entry of the gradient, over all draws."""

    @jax.jit
    def sums(key):
        drawn = jax.vmap(draw)(random.split(key, AT_ONCE))
        return [(x.mean(0), (x**2).mean(0)) for x in drawn]

    keys = random.split(random.PRNGKey(1), NUM_DRAWS // AT_ONCE)
    found = [jax.tree.map(np.float64, sums(key)) for key in keys]
    for pairs in zip(*found, strict=True):
        mean, square = (np.mean(part, 0) for part in zip(*pairs, strict=True))
        yield mean, square - mean**2


def row(estimator, family, temperature, exact, *, is_trained=False):
    if is_trained:
        problem = trained(estimator, family)
        temperature = f"{problem.params['relax_temperature']:.2f}, learned"
    else:
        problem = make_problem(estimator, family, temperature)
    (guide, variance), decoder = moments(gradients(problem))
    size = np.linalg.norm(exact[0])
    bias = np.linalg.norm(guide - exact[0]) / size
    deviation = np.sqrt(variance.sum()) / size
    z = ""
    if estimator in UNBIASED:
        found = zip(exact, ((guide, variance), decoder), strict=True)
        scores = [(m - truth) / np.sqrt(var / NUM_DRAWS) for truth, (m, var) in found]
        z = f"{max(abs(score).max() for score in scores):.1f}"
    if estimator in SETS:
        temperature = ""
    name = f"{estimator}, trained" if is_trained else estimator
    cells = name, family, temperature, f"{bias:.3f}", f"{deviation:.2f}", z
    return to_row(cells)


def rows():
    for family in ESTIMATORS["exact"].families:
        exact = gradients(make_problem("exact", family, 1.0))
        exact = jax.jit(exact)(random.PRNGKey(0))
        for name, estimator in ESTIMATORS.items():
            if family in estimator.families and name not in SKIPPED:
                cold = TEMPERATURES[:1] if estimator.is_discrete else TEMPERATURES
                yield from (row(name, family, t, exact) for t in cold)
            if name in TRAINED:
                yield row(name, family, 0.5, exact, is_trained=True)


def main():
    write_table("variance table", HEADER, rows(), EXAMPLES)


if __name__ == "__main__":
    main()
