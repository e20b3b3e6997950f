"""Is the guide of a discrete VAE a reliable proposal? ArviZ answers, in Pyro.

Trains the discrete VAE, draws codes of test images from the discrete guide, and hands
them to ArviZ with the model's log-likelihoods and the importance weights.

    python -m examples.discrete_vae.psis_pyro
    python -m examples.discrete_vae.psis_pyro --law igr-sb -n 200
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import interruption

    interruption.end_in_one_line()

from collections.abc import Sequence

import pyro
import torch
from pyro import poutine

from examples.discrete_vae.codes_pyro import make_discrete
from examples.discrete_vae.options import Options
from examples.discrete_vae.psis import Draws, report
from examples.discrete_vae.vae_pyro import Trained, learn
from examples.harness.run import run

NUM_IMAGES = 50


@torch.no_grad()
def draw(trained: Trained, num_draws: int) -> Draws:
    """Codes of the first test images, with their scores."""
    model, guide = trained.objectives.discrete.model, trained.objectives.discrete.guide
    of = trained.test[:NUM_IMAGES], make_discrete(trained.prior)
    with pyro.plate("draws", num_draws, dim=-2):
        drawn = poutine.trace(guide).get_trace(*of)
        scored = poutine.trace(poutine.replay(model, drawn)).get_trace(*of)
    posterior, prior = drawn.nodes["code"]["fn"], scored.nodes["code"]["fn"]
    code = drawn.nodes["code"]["value"]
    pixels = scored.nodes["pixels"]
    log_likelihood = pixels["fn"].log_prob(pixels["value"])
    log_weights = log_likelihood + prior.log_prob(code) - posterior.log_prob(code)
    probs = posterior.base_dist.probs[0]
    return Draws(
        code.argmax(-1).transpose(0, 1).numpy(force=True),
        log_likelihood.T.numpy(force=True),
        log_weights.T.numpy(force=True),
        probs.numpy(force=True),
    )


def train(options: Options) -> Draws:
    """Train a discrete VAE, and draw codes of test images."""
    return draw(learn(options), options.num_importance_samples)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says, print the diagnosis and draw it."""
    figures = "runs/psis_pyro"
    run(Options, train, report, __doc__, figures, arguments, num_epochs=20)


if __name__ == "__main__":
    main()
