"""The table of bias and variance in the examples' README, for a model of 2 x 3 codes.

    OMP_NUM_THREADS=1 python tests/benchmarks/estimator_variance.py

NumPyro only. Every law has the same probabilities, the decoder the same weights. All
gradients are compared with that of the discrete ELBO, codes enumerated.
"""

import os
import sys

os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
from report_table import EXAMPLES, ROOT, to_row, write_table  # noqa: E402

sys.path.insert(0, str(ROOT / "examples"))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from codes_numpyro import make_discrete, make_prior  # noqa: E402
from discrete_vae_numpyro import make_objectives  # noqa: E402
from estimators import ESTIMATORS, LAWS  # noqa: E402
from jax import random  # noqa: E402
from options import Options  # noqa: E402

NUM_PIXELS, NUM_DRAWS, AT_ONCE = 8, 100_000, 2000
TEMPERATURES = (0.1, 0.5, 1.0)
SKIPPED = ("exact", "relax")  # the truth; REBAR until it is trained
UNBIASED = ("rebar", "unordered-set")
HEADER = (
    "| estimator | law | temperature | bias | standard deviation | z |\n"
    "|---|---|---|---|---|---|"
)
RNG = np.random.default_rng(0)
IMAGE = jnp.array(RNG.random((1, NUM_PIXELS)) > 0.5, jnp.float32)
LOGITS = jnp.array(RNG.normal(size=(2, 3)), jnp.float32)
DECODER = jnp.array(RNG.normal(size=(6, NUM_PIXELS), scale=1.5), jnp.float32)


def parameters(prior, estimator):
    """A blank encoder whose biases give the probabilities, and the decoder."""
    if hasattr(prior, "loc"):
        loc = type(prior).from_probs(1.0, logits=LOGITS).loc
        fixed = ESTIMATORS[estimator].fixed_scale
        bias = loc if fixed else jnp.concatenate([loc, jnp.zeros_like(loc)], -1)
    else:
        bias = LOGITS
    encoder = jnp.zeros((NUM_PIXELS, bias.size)), bias.ravel()
    decoder = DECODER, jnp.zeros(NUM_PIXELS)
    return {"encoder$params": [encoder], "decoder$params": [decoder]}


def gradients(estimator, law, temperature):
    """A function of a key: a gradient in the guide's locations and in the decoder."""
    samples = ESTIMATORS[estimator].least_samples
    options = Options(
        law=law,
        estimator=estimator,
        temperature=temperature,
        num_samples=samples,
        num_variables=2,
        num_categories=3,
    )
    sizes = options.sizes(NUM_PIXELS)
    svi = make_objectives(sizes, 1e-3, estimator, samples, 2).training
    prior = make_prior(options)
    start, num = parameters(prior, estimator), 3 if law == "gumbel-softmax" else 2
    prior = make_discrete(prior) if ESTIMATORS[estimator].is_discrete else prior
    start = svi.get_params(svi.init(random.PRNGKey(0), IMAGE, prior)) | start
    if estimator == "rebar":
        start |= {"relax_temperature": jnp.array(temperature)}

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


def row(estimator, law, temperature, exact):
    (guide, variance), decoder = moments(gradients(estimator, law, temperature))
    size = np.linalg.norm(exact[0])
    bias = np.linalg.norm(guide - exact[0]) / size
    deviation = np.sqrt(variance.sum()) / size
    z = ""
    if estimator in UNBIASED:
        found = zip(exact, ((guide, variance), decoder), strict=True)
        scores = [(m - truth) / np.sqrt(var / NUM_DRAWS) for truth, (m, var) in found]
        z = f"{max(abs(score).max() for score in scores):.1f}"
    if estimator == "unordered-set":
        temperature = ""
    cells = estimator, law, temperature, f"{bias:.3f}", f"{deviation:.2f}", z
    return to_row(cells)


def rows():
    for law in LAWS:
        exact = jax.jit(gradients("exact", law, 1.0))(random.PRNGKey(0))
        for name, estimator in ESTIMATORS.items():
            if law in estimator.laws and name not in SKIPPED:
                cold = TEMPERATURES[:1] if estimator.is_discrete else TEMPERATURES
                yield from (row(name, law, t, exact) for t in cold)


def main():
    write_table("variance table", HEADER, rows(), EXAMPLES)


if __name__ == "__main__":
    main()
