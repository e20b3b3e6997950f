"""A variational autoencoder of images with discrete codes, in Pyro.

The code of an image is a set of categorical variables. They are relaxed while training,
so that gradients pass through them; what is scored is the discrete model.

    python -m examples.discrete_vae.vae_pyro
    python -m examples.discrete_vae.vae_pyro --dataset digits --family gumbel-softmax
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import math
from collections.abc import Sequence
from functools import partial
from time import perf_counter

import pyro
from pyro import poutine
from pyro.distributions import Distribution
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import PyroOptim
from pyro.optim.lr_scheduler import PyroLRScheduler
from torch import Tensor, nn
from tqdm import trange

from examples.discrete_vae.codes_pyro import (
    make_elbo,
    make_network,
    make_optimizer,
    make_posterior,
    make_prior,
    sample_code,
    sample_pixels,
)
from examples.discrete_vae.options import ESTIMATORS, Options, Sizes
from examples.discrete_vae.report import Result, format_report
from examples.discrete_vae.scores_pyro import NUM_SAMPLES, Objectives, score
from examples.discrete_vae.unmatched_pyro import by_gaussians, learned
from examples.harness.devices_pyro import distribute, is_first, join, leave, share
from examples.harness.run import keeping, run
from examples.harness.training_pyro import (
    VECTORIZED,
    average,
    evaluate,
    load_images,
    pack,
    seed_epoch,
    set_parameters,
    surroundings,
    train_epoch,
    unpack,
)
from pyro_igr import assert_analytic_kl, discretize, straight_through


class DiscreteVAE(nn.Module):
    """The model of the images and the guide to their codes."""

    def __init__(self, sizes: Sizes, *, is_straight_through: bool = False) -> None:
        super().__init__()
        self.sizes, self.is_straight_through = sizes, is_straight_through
        inner = sizes.num_pixels, *sizes.hidden
        self.encoder = make_network(*inner, math.prod(sizes.parameters))
        self.decoder = make_network(math.prod(sizes.code), *reversed(inner))

    def model(self, images: Tensor, prior: Distribution) -> Tensor:
        """Codes from the prior, then pixels; returns the means of the pixels."""
        pyro.module("decoder", self.decoder)
        with pyro.plate("images", len(images)), poutine.scale(scale=1 / len(images)):
            code = sample_code(learned(prior))
            code = straight_through(code) if self.is_straight_through else code
            logits = self.decoder(code.flatten(-2))
            return sample_pixels(logits, images, is_gray=self.sizes.is_gray)

    def guide(self, images: Tensor, prior: Distribution) -> None:
        """Codes from the prior's family, with encoded parameters."""
        pyro.module("encoder", self.encoder)
        with pyro.plate("images", len(images)), poutine.scale(scale=1 / len(images)):
            parameters = self.encoder(images).unflatten(-1, self.sizes.parameters)
            sample_code(make_posterior(learned(prior), parameters))


def make_objectives(
    vae: DiscreteVAE, optimizer: PyroOptim, estimator: str, num_samples: int
) -> Objectives:
    """What to train by the estimator, and what to score."""
    relaxed = vae.model, vae.guide
    if estimator == "stl":
        relaxed = by_gaussians(vae.model), by_gaussians(vae.guide)
    discrete = discretize(vae.model), discretize(vae.guide)
    trained = discrete if ESTIMATORS[estimator].is_discrete else relaxed
    elbo = Trace_ELBO(num_particles=NUM_SAMPLES, **VECTORIZED)
    return Objectives(
        training=SVI(*trained, optimizer, make_elbo(estimator, num_samples)),
        relaxed=SVI(*trained, optimizer, make_elbo(estimator, NUM_SAMPLES)),
        discrete=SVI(*discrete, optimizer, elbo),
    )


def train(options: Options) -> Result:
    """Train a discrete VAE, and score and draw it by images that it has not seen.

    ValueError or OSError say which file, option or device is of no use.
    """
    options = join(options)
    start, data = perf_counter(), load_images(options)
    images = data.train
    pyro.clear_param_store()
    seed_epoch(options.seed, 0)
    hard = options.estimator == "straight-through"
    vae = DiscreteVAE(options.sizes(images.shape[1]), is_straight_through=hard)
    choice = make_optimizer(options), options.estimator, options.num_samples
    objectives = make_objectives(vae.to(images.device), *choice)
    svi, prior = objectives.training, make_prior(options, images.device)
    if options.estimator in ("analytic-kl", "analytic-kl-unit"):
        assert_analytic_kl(svi.model, svi.guide, images[:1], prior)
    with keeping(options, surroundings(images)) as kept:
        share(kept)
        mean = kept.restore(partial(unpack, vae, svi.optim), {})
        distribute(svi, svi.loss.__self__, images[: options.batch_size], prior)
        hidden = None if is_first() else True
        epochs = trange(kept.epochs_done, options.num_epochs, disable=hidden)
        for epoch in epochs:
            seed_epoch(options.seed, epoch + 1)
            elbo = train_epoch(svi, prior, images, options.batch_size)
            if isinstance(svi.optim, PyroLRScheduler):
                svi.optim.step()
            held_out = evaluate(svi, prior, data.validation)
            mean = average(mean, vae, options.num_averaged(epoch + 1))
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, of validation {held_out:.2f}")
            kept.save_if_due(epoch + 1, partial(pack, vae, svi.optim, mean))
    leave()
    set_parameters(vae, mean)
    seed_epoch(options.seed, kept.num_epochs + 1)
    return score(options, objectives, prior, data, kept.num_epochs, start)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/discrete_vae_pyro"
    run(Options, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
