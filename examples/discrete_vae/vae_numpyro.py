"""A variational autoencoder of images with discrete codes, in NumPyro.

The code of an image is a set of categorical variables. They are relaxed while training,
so that gradients pass through them; what is scored is the discrete model.

    python -m examples.discrete_vae.vae_numpyro
    python -m examples.discrete_vae.vae_numpyro --dataset digits --family gumbel-softmax
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import math
from collections.abc import Sequence
from functools import cache, partial
from time import perf_counter

import jax
import numpyro
from jax import Array, random
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI, Trace_ELBO
from numpyro.optim import Adam
from tqdm import trange

from examples.discrete_vae.codes_numpyro import (
    make_elbo,
    make_network,
    make_posterior,
    make_prior,
    make_rate,
    sample_code,
    sample_pixels,
)
from examples.discrete_vae.options import ESTIMATORS, Options, Sizes
from examples.discrete_vae.report import Result, format_report
from examples.discrete_vae.scores_numpyro import NUM_SAMPLES, Objectives, score
from examples.discrete_vae.unmatched_numpyro import by_gaussians, learned
from examples.harness.devices_numpyro import (
    copy_to_all,
    distribute,
    ended_by_others,
    is_first,
    join,
    leave,
    share,
)
from examples.harness.run import keeping, run
from examples.harness.training_numpyro import (
    CosineDecay,
    average,
    evaluate,
    initialize,
    load_images,
    pack,
    surroundings,
    train_epoch,
    unpack,
)
from numpyro_igr import (
    TraceRELAX_ELBO,
    assert_analytic_kl,
    discretize,
    straight_through,
)


class DiscreteVAE:
    """The model of the images and the guide to their codes."""

    def __init__(self, sizes: Sizes, *, is_straight_through: bool = False) -> None:
        self.sizes, self.is_straight_through = sizes, is_straight_through
        self.encoder = make_network(*sizes.hidden, math.prod(sizes.parameters))
        self.decoder = make_network(*reversed(sizes.hidden), sizes.num_pixels)

    def model(self, images: Array, prior: Distribution) -> Array:
        """Codes from the prior, then pixels; returns the means of the pixels."""
        n, shape = len(images), (len(images), math.prod(self.sizes.code))
        decoder = numpyro.module("decoder", self.decoder, shape)
        with numpyro.plate("images", n), handlers.scale(scale=1 / n):
            code = sample_code(learned(prior))
            code = straight_through(code) if self.is_straight_through else code
            logits = decoder(code.reshape(shape))
            return sample_pixels(logits, images, is_gray=self.sizes.is_gray)

    def guide(self, images: Array, prior: Distribution) -> None:
        """Codes from the prior's family, with encoded parameters."""
        n, encoder = len(images), numpyro.module("encoder", self.encoder, images.shape)
        with numpyro.plate("images", n), handlers.scale(scale=1 / n):
            parameters = encoder(images).reshape(-1, *self.sizes.parameters)
            sample_code(make_posterior(learned(prior), parameters))


@cache  # equal arguments get the same objects, so that nothing is compiled twice
def make_objectives(
    sizes: Sizes, learning_rate: float | CosineDecay, estimator: str, num_samples: int
) -> Objectives:
    """What to train by the estimator, and what to score."""
    vae = DiscreteVAE(sizes, is_straight_through=estimator == "straight-through")
    optimizer, elbo = Adam(learning_rate), make_elbo(estimator, num_samples)
    relaxed = vae.model, vae.guide
    if estimator == "stl":
        relaxed = by_gaussians(vae.model), by_gaussians(vae.guide)
    discrete = discretize(vae.model), discretize(vae.guide)
    if isinstance(elbo, TraceRELAX_ELBO):
        relaxed = vae.model, elbo.with_parameters(vae.guide)
    trained = discrete if ESTIMATORS[estimator].is_discrete else relaxed
    return Objectives(
        training=SVI(*trained, optimizer, elbo),
        relaxed=SVI(*trained, optimizer, make_elbo(estimator, NUM_SAMPLES)),
        discrete=SVI(*discrete, optimizer, Trace_ELBO(num_particles=NUM_SAMPLES)),
    )


def train(options: Options) -> Result:
    """Train a discrete VAE, and score and draw it by images that it has not seen.

    ValueError or OSError say which file, option or device is of no use.
    """
    options = join(options)
    start, data = perf_counter(), copy_to_all(options, load_images(options))
    images = data.train
    key = jax.device_put(random.PRNGKey(options.seed), images.device)
    rate = make_rate(options, options.learning_rate, len(images))
    choice = rate, options.estimator, options.num_samples
    objectives = make_objectives(options.sizes(images.shape[1]), *choice)
    svi, prior = distribute(objectives.training, images.device), make_prior(options)
    if options.estimator in ("analytic-kl", "analytic-kl-unit"):
        check = partial(assert_analytic_kl, svi.model, svi.guide)
        jax.eval_shape(check, images[:1], prior)  # of the program, without numbers
    with ended_by_others(), keeping(options, surroundings(images)) as kept:
        state = initialize(svi, prior, images[: options.batch_size], key)
        share(kept)
        fresh = state, svi.get_params(state)
        state, mean = kept.restore(partial(unpack, fresh), fresh)
        hidden = None if is_first() else True
        epochs = trange(kept.epochs_done, options.num_epochs, disable=hidden)
        for epoch in epochs:
            keys = random.split(random.fold_in(key, epoch + 1))
            of_epoch = images, options.batch_size, state, keys[0]
            state, elbo = train_epoch(svi, prior, *of_epoch)
            params = svi.get_params(state)
            held_out = evaluate(svi, prior, data.validation, params, keys[1])
            mean = average(mean, params, options.num_averaged(epoch + 1))
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, of validation {held_out:.2f}")
            kept.save_if_due(epoch + 1, partial(pack, (state, mean)))
    data, mean, key = leave((data, mean, key))
    at_end = mean, random.fold_in(key, kept.num_epochs + 1)
    return score(options, objectives, prior, data, kept.num_epochs, start, *at_end)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/discrete_vae_numpyro"
    run(Options, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
