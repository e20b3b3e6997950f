"""A variational autoencoder of images with discrete codes, in Pyro.

The code of an image is a set of categorical variables. A relaxed law lets gradients
through them while training; the model that counts is the discrete one behind it.

    python -m examples.discrete_vae.vae_pyro
    python -m examples.discrete_vae.vae_pyro --law igr-sb --estimator discrete-kl
    python -m examples.discrete_vae.vae_pyro --dataset mnist --architecture 512-256
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import interruption

    interruption.end_in_one_line()

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import NamedTuple

import pyro
import torch
from numpy.random import SeedSequence
from pyro import poutine
from pyro.distributions import Bernoulli, Distribution
from pyro.infer import SVI, RenyiELBO, Trace_ELBO
from pyro.optim import Adam, PyroOptim
from torch import Tensor, nn
from torch.distributions import transform_to
from torch.distributions.constraints import positive, real
from tqdm import trange

from examples.discrete_vae.code_usage import dead_categories
from examples.discrete_vae.codes_pyro import (
    make_discrete,
    make_posterior,
    make_prior,
    sample_code,
)
from examples.discrete_vae.estimators import ESTIMATORS
from examples.discrete_vae.estimators_pyro import VECTORIZED, make_elbo
from examples.discrete_vae.options import Options, Sizes
from examples.discrete_vae.pictures_pyro import save_pictures
from examples.discrete_vae.report import LogLikelihood, Result, Scores, format_report
from examples.harness.evaluation_pyro import bounds_with_progress, code_probs, evaluate
from examples.harness.resuming import keeping
from examples.harness.run import run
from examples.images.binary_images import digest, load_binary_images
from pyro_igr import assert_analytic_kl, discretize, straight_through

NUM_SAMPLES = 10
CONSTRAINTS_OF_RELAX = {"relax_temperature": positive}


class DiscreteVAE(nn.Module):
    """The model of the images and the guide to their codes.

    Args:
        sizes: Of the networks.
        is_straight_through: Whether the decoder sees one-hot codes, with the gradient
            of relaxed ones.
    """

    def __init__(self, sizes: Sizes, *, is_straight_through: bool = False) -> None:
        super().__init__()
        self.sizes, self.is_straight_through = sizes, is_straight_through
        inner = sizes.num_pixels, *sizes.hidden
        self.encoder = make_network(*inner, math.prod(sizes.parameters))
        self.decoder = make_network(math.prod(sizes.code), *reversed(inner))

    def model(self, images: Tensor, prior: Distribution) -> Tensor:
        """Codes from the prior, then pixels; returns the means of the pixels."""
        pyro.module("decoder", self.decoder)
        with per_image(images):
            code = sample_code(prior)
            code = straight_through(code) if self.is_straight_through else code
            logits = self.decoder(code.flatten(-2))
            pyro.sample("pixels", Bernoulli(logits=logits).to_event(1), obs=images)
        return logits.sigmoid()

    def guide(self, images: Tensor, prior: Distribution) -> None:
        """Codes from laws of the prior's family, with encoded parameters."""
        pyro.module("encoder", self.encoder)
        with per_image(images):
            parameters = self.encoder(images).unflatten(-1, self.sizes.parameters)
            sample_code(make_posterior(prior, parameters))


def make_network(*sizes: int) -> nn.Sequential:
    """Linear maps from size to size, with rectifiers in between."""
    layers = [
        module for pair in pairwise(sizes) for module in (nn.Linear(*pair), nn.ReLU())
    ]
    return nn.Sequential(*layers[:-1])


@contextmanager
def per_image(images: Tensor) -> Iterator[None]:
    """A plate over the images, scaled so that the ELBO is a mean over them."""
    with pyro.plate("images", len(images)), poutine.scale(scale=1 / len(images)):
        yield


class Objectives(NamedTuple):
    """What to train, and what to score: a model, a guide and an ELBO each."""

    training: SVI
    relaxed: SVI
    discrete: SVI
    log_likelihood: SVI


def make_objectives(
    vae: DiscreteVAE,
    optimizer: PyroOptim,
    estimator: str,
    num_samples: int,
    num_importance_samples: int,
) -> Objectives:
    """The objectives of a network; the scores are averaged over ten samples."""
    discrete = discretize(vae.model), discretize(vae.guide)
    is_discrete = ESTIMATORS[estimator].is_discrete
    trained = discrete if is_discrete else (vae.model, vae.guide)
    training, relaxed = (make_elbo(estimator, n) for n in (num_samples, NUM_SAMPLES))
    scored = Trace_ELBO(num_particles=NUM_SAMPLES, **VECTORIZED)
    weighted = RenyiELBO(alpha=0, num_particles=num_importance_samples, **VECTORIZED)
    return Objectives(
        training=SVI(*trained, optimizer, training),
        relaxed=SVI(*trained, optimizer, relaxed),
        discrete=SVI(*discrete, optimizer, scored),
        log_likelihood=SVI(*discrete, optimizer, weighted),
    )


def train_epoch(
    svi: SVI, prior: Distribution, images: Tensor, batch_size: int
) -> float:
    """Steps through the shuffled images in whole batches; returns the mean ELBO."""
    batches = torch.randperm(len(images)).split(batch_size)
    whole = batches[: len(images) // batch_size]
    return -sum(svi.step(images[batch], prior) for batch in whole) / len(whole)


def score(objectives: Objectives, prior: Distribution, images: Tensor) -> Scores:
    """The objective of the images, and their ELBO with one-hot codes."""
    return Scores(
        evaluate(objectives.relaxed, prior, images),
        evaluate(objectives.discrete, make_discrete(prior), images),
    )


def pack(vae: DiscreteVAE, optimizer: PyroOptim) -> bytes:
    """What a run needs to continue, as bytes."""
    store, buffer = pyro.get_param_store(), io.BytesIO()
    names = [name for name in store if name.startswith("relax_")]
    of_relax = {name: pyro.param(name).unconstrained().detach() for name in names}
    torch.save((vae.state_dict(), of_relax, optimizer.get_state()), buffer)
    return buffer.getvalue()


def unpack(vae: DiscreteVAE, optimizer: PyroOptim, packed: bytes) -> None:
    """Restores what was packed."""
    state = torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)
    parameters, of_relax, optimizer_state = state
    vae.load_state_dict(parameters)
    for name, value in of_relax.items():
        constraint = CONSTRAINTS_OF_RELAX.get(name, real)
        parameter = pyro.param(name, transform_to(constraint)(value), constraint)
        parameter.unconstrained().data.copy_(value)
    optimizer.set_state(optimizer_state)


def seed_epoch(options: Options, epoch: int) -> None:
    """Makes the noise of an epoch depend on the seed and its number alone."""
    (seed,) = SeedSequence([options.seed, epoch]).generate_state(1)
    pyro.set_rng_seed(int(seed))


def open_device(name: str | None) -> torch.device:
    """The device of that name; ValueError if it cannot be used."""
    try:
        return torch.empty(0, device=name or "cpu").device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"cannot use --device {name}: {error}") from error


def surroundings(images: Tensor) -> dict[str, str]:
    """What a run on these images depends on beside its options, by name."""
    return {
        "device": images.device.type,
        "precision": str(torch.get_default_dtype()).removeprefix("torch."),
        "training_images": digest(images.numpy(force=True)),
    }


def fit(
    options: Options,
    vae: DiscreteVAE,
    svi: SVI,
    prior: Distribution,
    images: Tensor,
    validation: Tensor,
) -> int:
    """Trains for the epochs that are left, with checkpoints; returns all epochs."""
    with keeping(options, "pyro", surroundings(images)) as kept:
        kept.restore(partial(unpack, vae, svi.optim), None)
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            seed_epoch(options, epoch + 1)
            elbo = train_epoch(svi, prior, images, options.batch_size)
            held_out = evaluate(svi, prior, validation)
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, of validation {held_out:.2f}")
            kept.save_if_due(epoch + 1, partial(pack, vae, svi.optim))
    return kept.num_epochs


class Trained(NamedTuple):
    """A trained model and guide, and the images that it has not seen."""

    objectives: Objectives
    prior: Distribution
    shape: tuple[int, int]
    validation: Tensor
    test: Tensor
    num_epochs: int


def learn(options: Options) -> Trained:
    """Load the images and train on them."""
    device = open_device(options.device)
    shape, *splits = load_binary_images(options)
    images, validation, test = (torch.from_numpy(split).to(device) for split in splits)
    pyro.clear_param_store()
    seed_epoch(options, 0)
    is_straight_through = options.estimator == "straight-through"
    sizes = options.sizes(math.prod(shape))
    vae = DiscreteVAE(sizes, is_straight_through=is_straight_through).to(device)
    objectives = make_objectives(
        vae,
        Adam({"lr": options.learning_rate}),
        options.estimator,
        options.num_samples,
        options.num_importance_samples,
    )
    svi, prior = objectives.training, make_prior(options, device)
    if ESTIMATORS[options.estimator].is_discrete:
        prior = make_discrete(prior)
    if options.estimator == "analytic-kl":
        assert_analytic_kl(svi.model, svi.guide, images[:1], prior)
    num_epochs = fit(options, vae, svi, prior, images, validation)
    seed_epoch(options, num_epochs + 1)
    return Trained(objectives, prior, shape, validation, test, num_epochs)


def train(options: Options) -> Result:
    """Train, score and draw a discrete VAE.

    Args:
        options: What to train and how.

    Returns:
        The scores, and the time that it took.

    Raises:
        ValueError: If the data, the checkpoint or the device is of no use.
        OSError: If a file is missing or cannot be written.
    """
    start = perf_counter()
    objectives, prior, shape, validation, test, num_epochs = learn(options)
    scores = [score(objectives, prior, x) for x in (validation, test)]
    of_test = make_discrete(prior), test
    evaluation_start = perf_counter()
    bounds = bounds_with_progress(objectives.log_likelihood, *of_test)
    evaluation_seconds = perf_counter() - evaluation_start
    probs = code_probs(objectives.discrete, *of_test).numpy(force=True)
    if options.figures:
        save_pictures(options.figures, shape, objectives.discrete, *of_test)
    return Result(
        *scores,
        LogLikelihood.from_bounds(bounds),
        dead_categories(probs),
        num_epochs,
        perf_counter() - start,
        evaluation_seconds,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/discrete_vae_pyro"
    run(Options, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
