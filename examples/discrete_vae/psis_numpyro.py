"""Is the guide of a discrete VAE a reliable proposal? ArviZ answers, in NumPyro.

Trains the discrete VAE, draws codes of test images from the discrete guide, and hands
them to ArviZ with the model's log-likelihoods and the importance weights.

    python -m examples.discrete_vae.psis_numpyro
    python -m examples.discrete_vae.psis_numpyro --law igr-sb -n 200
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import interruption

    interruption.end_in_one_line()

from collections.abc import Sequence

import jax
import numpy as np
from jax import Array, random
from numpyro import handlers

from examples.discrete_vae.codes_numpyro import make_discrete
from examples.discrete_vae.options import Options
from examples.discrete_vae.psis import Draws, report
from examples.discrete_vae.vae_numpyro import Trained, learn
from examples.harness.run import run

NUM_IMAGES = 50


def draw(trained: Trained, num_draws: int) -> Draws:
    """Codes of the first test images, with their scores."""
    model, guide = trained.objectives.discrete.model, trained.objectives.discrete.guide
    of = trained.test[:NUM_IMAGES], make_discrete(trained.prior)

    def draw_once(key: Array) -> tuple[Array, ...]:
        with handlers.substitute(data=trained.params), handlers.seed(rng_seed=key):
            drawn = handlers.trace(guide).get_trace(*of)
            scored = handlers.trace(handlers.replay(model, drawn)).get_trace(*of)
        posterior, prior = drawn["code"]["fn"], scored["code"]["fn"]
        code, pixels = drawn["code"]["value"], scored["pixels"]
        log_likelihood = pixels["fn"].log_prob(pixels["value"])
        log_weights = log_likelihood + prior.log_prob(code) - posterior.log_prob(code)
        return code.argmax(-1), log_likelihood, log_weights, posterior.base_dist.probs

    axes = 1, 1, 1, None
    draw_all = jax.jit(jax.vmap(draw_once, out_axes=axes))
    return Draws(*map(np.asarray, draw_all(random.split(trained.key, num_draws))))


def train(options: Options) -> Draws:
    """Train a discrete VAE, and draw codes of test images."""
    return draw(learn(options), options.num_importance_samples)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says, print the diagnosis and draw it."""
    figures = "runs/psis_numpyro"
    run(Options, train, report, __doc__, figures, arguments, num_epochs=20)


if __name__ == "__main__":
    main()
