"""A Dirichlet-process mixture VAE, whose components are inferred, in NumPyro.

The prior of the codes is an infinite mixture with the weights of a Dirichlet process.
Sticks are doubled during training, when samples of the weights or splits need more;
components are split, merged and deleted if that raises the bound of held-out images.

    python -m examples.dp_mixture_vae.vae_numpyro
    python -m examples.dp_mixture_vae.vae_numpyro --dataset mnist-5k --num-epochs 40
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, random
from numpy.typing import NDArray
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from tqdm import tqdm

from examples.dp_mixture_vae.figures import save_figures
from examples.dp_mixture_vae.objectives_numpyro import (
    Objectives,
    make_objectives,
    make_prior,
)
from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.record import Record
from examples.dp_mixture_vae.report import MixtureResult, format_report
from examples.dp_mixture_vae.training_numpyro import fit, measure_growth
from examples.dp_mixture_vae.usage import neighbor_errors
from examples.dp_mixture_vae.usage_numpyro import (
    concentration_of,
    draw_usage,
    trained_networks,
)
from examples.harness.run import LogLikelihood, run
from examples.harness.training_numpyro import (
    IMAGES_AT_ONCE,
    bounds,
    evaluate,
    open_device,
)
from examples.images.datasets import BinaryImages, load_binary_images, load_labels
from numpyro_igr import assert_analytic_kl

NUM_DRAWS, NUM_SAMPLES = 100, 7


class Trained(NamedTuple):
    """Trained networks, and the images that they have not seen."""

    objectives: Objectives
    params: dict[str, Any]
    prior: Distribution
    record: Record
    shape: tuple[int, int]
    images: Array
    validation: Array
    test: Array
    key: Array
    seconds: float


def learn(options: MixtureOptions, data: BinaryImages) -> Trained:
    """Train on the images."""
    device = open_device(options.device)
    shape, *splits = data
    images, validation, test = (jax.device_put(split, device) for split in splits)
    key = jax.device_put(random.PRNGKey(options.seed), device)
    objectives = make_objectives(
        options.of_model(),
        len(images),
        options.learning_rate,
        options.num_importance_samples,
    )
    svi, prior = objectives.training, make_prior(options)
    assert_analytic_kl(svi.model, svi.guide, images[:1], prior)
    start = perf_counter()
    state, record = fit(options, svi, prior, images, validation, key)
    params = jax.block_until_ready(svi.get_params(state))
    seconds = perf_counter() - start
    key = random.fold_in(key, len(record.growth) + 1)
    splits = images, validation, test
    return Trained(objectives, params, prior, record, shape, *splits, key, seconds)


@partial(jax.jit, static_argnames=("options", "num_pixels", "num_samples"))
def decode(
    options: MixtureOptions,
    params: dict[str, Any],
    num_pixels: int,
    num_samples: int,
    key: Array,
) -> Array:
    """The pixels of the mean of each component, and of samples from it."""
    networks = trained_networks(options, params, num_pixels)
    means = networks.all_means()[:, None]
    noise = random.normal(key, (len(means), num_samples, means.shape[-1]))
    codes = jnp.concatenate([means, means + noise], 1)
    return jax.nn.sigmoid(networks.decode(codes))


def log_likelihoods(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> NDArray[np.floating]:
    """The importance-weighted bound of each image, one by one, with a progress bar."""
    found = []
    with tqdm(total=len(images), unit=" test images", disable=None) as progress:
        for start in range(0, len(images), IMAGES_AT_ONCE):
            chunk = images[start : start + IMAGES_AT_ONCE]
            keys = random.fold_in(key, start)
            found.append(np.asarray(bounds(svi, prior, chunk, params, keys)))
            progress.update(len(chunk))
    return np.concatenate(found)


def train(options: MixtureOptions) -> MixtureResult:
    """Train, score and draw a mixture VAE.

    ValueError or OSError say which file, option or device is of no use.
    """
    start = perf_counter()
    objectives, params, prior, record, shape, *splits, key, seconds = learn(
        options, load_binary_images(options)
    )
    images, validation, test = splits
    of = params, key
    elbos = [evaluate(objectives.bound, prior, x, *of) for x in (validation, test)]
    weighted = log_likelihoods(objectives.log_likelihood, prior, test, *of)
    draw = partial(draw_usage, options.of_model(), params, prior)
    usage = draw(test, options.rho, NUM_DRAWS, key)
    codes = draw(images, options.rho, NUM_DRAWS, key).codes
    labels, test_labels = load_labels(options)
    if options.figures:
        sizes = images.shape[-1], NUM_SAMPLES
        decoded = np.asarray(decode(options.of_model(), params, *sizes, key))
        drawn = usage, record, np.asarray(test), decoded, options.seed
        save_figures(options.figure, shape, *drawn)
    return MixtureResult(
        *elbos,
        LogLikelihood.from_bounds(weighted),
        usage,
        record,
        measure_growth(options, params, usage),
        neighbor_errors(codes, labels, usage.codes, test_labels),
        float(concentration_of(options.of_model(), params, prior, images)),
        seconds,
        perf_counter() - start,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/dp_mixture_vae_numpyro"
    run(MixtureOptions, train, format_report, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
