r"""The upper half of an image predicts the lower half, in NumPyro.

Between them are two layers of stochastic binary units, categorical variables with K = 2
that are relaxed while training. The objective is log p(lower | h) at units h sampled
from the network itself; what is scored is the discrete network.

    python -m examples.structured_prediction.halves_numpyro
    python -m examples.structured_prediction.halves_numpyro --family gumbel-softmax

With K = 2 there is one Gaussian y, and its broken stick is w = (s(y), s(-y)) with s the
sigmoid. The value z of "on" under each tempering:

- "sticks" gives s(y / tau), as does "weights", since log w_1 - log w_2 = y. That is the
  softmax++ of IGR, so IGR-SB is IGR.
- "softmax++" (eq. 18) gives s(s(y) / tau), always between 1/2 and s(1 / tau): no unit
  is ever off.
- "vertex" (eq. 17) gives tau s(y) + (1 - tau) [y > 0], whose slope tau s(y) s(-y)
  misses the jump at 0. At tau = 1 it is s(y).

IGR-Planar has two planar layers for each layer of units. With one Gaussian they are
increasing functions, which move the threshold of "on" and change the slope around it.
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence
from functools import cache, partial
from time import perf_counter

import jax
import jax.numpy as jnp
import numpyro
from jax import Array, random
from jax.example_libraries import stax
from numpyro import handlers
from numpyro.distributions import Bernoulli, Distribution
from numpyro.infer import SVI, Trace_ELBO
from numpyro.optim import Adam
from tqdm import trange

from examples.harness.run import keeping, run
from examples.harness.training_numpyro import (
    evaluate,
    initialize,
    load_images,
    pack,
    surroundings,
    train_epoch,
    unpack,
)
from examples.structured_prediction.prediction import (
    PLANAR_LAYERS,
    Prediction,
    PredictionOptions,
    format_prediction,
)
from examples.structured_prediction.scores_numpyro import score
from examples.structured_prediction.units_numpyro import (
    activate,
    make_unit,
    sample_units,
)
from numpyro_igr import straight_through

LAYERS = "layer_1", "layer_2"


class Network:
    """Predicts the lower halves of images from their upper halves.

    Args:
        num_pixels: Of an image.
        num_units: In each of the two layers.
    """

    def __init__(self, num_pixels: int, num_units: int) -> None:
        self.half, self.num_units = num_pixels // 2, num_units
        tanh = stax.Dense(num_units), stax.Tanh
        self.layer = stax.serial(*tanh, stax.Dense(num_units))
        self.last = stax.Dense(self.half)

    def units(
        self, images: Array, unit: Distribution, *, is_hard: bool = False
    ) -> Array:
        """Draws the units of both layers, binary ones if hard; returns the last.

        Guide and model draw alike, so that their densities cancel: they are masked.
        """
        values = images[:, : self.half]
        for name in LAYERS:
            layer = numpyro.module(name, self.layer, values.shape)
            planar = numpyro.param(f"planar_{name}", jnp.array(PLANAR_LAYERS))
            units = activate(unit, layer(values), planar)
            with handlers.mask(mask=False):
                z = sample_units(f"units_{name}", units)
            values = (straight_through(z) if is_hard else z)[..., 0]
        return values

    def guide(self, images: Array, unit: Distribution) -> None:
        """The units, from the network itself."""
        n = len(images)
        with numpyro.plate("images", n), handlers.scale(scale=1 / n):
            self.units(images, unit)

    def model(
        self, images: Array, unit: Distribution, *, is_hard: bool = False
    ) -> Array:
        """The units, then the lower half; returns the means of its pixels."""
        last = numpyro.module("last", self.last, (len(images), self.num_units))
        n = len(images)
        with numpyro.plate("images", n), handlers.scale(scale=1 / n):
            logits = last(self.units(images, unit, is_hard=is_hard))
            lower = Bernoulli(logits=logits).to_event(1)
            numpyro.sample("lower", lower, obs=images[:, self.half :])
        return jax.nn.sigmoid(logits)


@cache
def make_objectives(
    num_pixels: int, num_units: int, learning_rate: float, num_samples: int
) -> tuple[SVI, SVI]:
    """What to train, and its average over ten samples to score it.

    Equal arguments get the same objects, so that nothing is compiled twice.
    """
    network, optimizer = Network(num_pixels, num_units), Adam(learning_rate)
    training, scored = (
        SVI(network.model, network.guide, optimizer, Trace_ELBO(num_particles=n))
        for n in (num_samples, 10)
    )
    return training, scored


def train(options: PredictionOptions) -> Prediction:
    """Train, score and draw a network that predicts lower halves.

    ValueError or OSError say which file, option or device is of no use.
    """
    start, data = perf_counter(), load_images(options)
    images = data.train
    key = jax.device_put(random.PRNGKey(options.seed), images.device)
    sizes = images.shape[1], options.num_units
    choice = options.learning_rate, options.num_samples
    svi, scored = make_objectives(*sizes, *choice)
    unit = make_unit(options)
    with keeping(options, surroundings(images)) as kept:
        state = initialize(svi, unit, images[: options.batch_size], key)
        state = kept.restore(partial(unpack, state), state)
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            keys = random.split(random.fold_in(key, epoch + 1))
            of_epoch = images, options.batch_size, state, keys[0]
            state, bound = train_epoch(svi, unit, *of_epoch)
            params = svi.get_params(state)
            held_out = evaluate(svi, unit, data.validation, params, keys[1])
            epochs.set_postfix_str(f"log p {bound:.2f}, of validation {held_out:.2f}")
            kept.save_if_due(epoch + 1, partial(pack, state))
    at_end = svi.get_params(state), random.fold_in(key, kept.num_epochs + 1)
    return score(options, scored, unit, data, kept.num_epochs, start, *at_end)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/structured_prediction_numpyro"
    run(PredictionOptions, train, format_prediction, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
