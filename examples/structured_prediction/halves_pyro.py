r"""The upper half of an image predicts the lower half, in Pyro.

Between them are two layers of stochastic binary units, categorical variables with K = 2
that are relaxed while training. The objective is log p(lower | h) at units h sampled
from the network itself; what is scored is the discrete network.

    python -m examples.structured_prediction.halves_pyro
    python -m examples.structured_prediction.halves_pyro --family gumbel-softmax

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
from functools import partial
from time import perf_counter

import pyro
import torch
from pyro import poutine
from pyro.distributions import Bernoulli, Distribution
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import Adam, PyroOptim
from torch import Tensor, nn
from tqdm import trange

from examples.harness.run import keeping, run
from examples.harness.training_pyro import (
    VECTORIZED,
    evaluate,
    load_images,
    pack,
    seed_epoch,
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
from examples.structured_prediction.scores_pyro import score
from examples.structured_prediction.units_pyro import activate, make_unit, sample_units
from pyro_igr import straight_through

LAYERS = "layer_1", "layer_2"


class Network(nn.Module):
    """Predicts the lower halves of images from their upper halves.

    Args:
        num_pixels: Of an image.
        num_units: In each of the two layers.
    """

    def __init__(self, num_pixels: int, num_units: int) -> None:
        super().__init__()
        self.half = num_pixels // 2
        for name, size in zip(LAYERS, (self.half, num_units), strict=True):
            tanh = nn.Linear(size, num_units), nn.Tanh()
            setattr(self, name, nn.Sequential(*tanh, nn.Linear(num_units, num_units)))
        planar = {name: nn.Parameter(torch.tensor(PLANAR_LAYERS)) for name in LAYERS}
        self.planar = nn.ParameterDict(planar)
        self.last = nn.Linear(num_units, self.half)

    def units(
        self, images: Tensor, unit: Distribution, *, is_hard: bool = False
    ) -> Tensor:
        """Draws the units of both layers, binary ones if hard; returns the last.

        Guide and model draw alike, so that their densities cancel: they are masked.
        """
        pyro.module("network", self)
        values = images[:, : self.half]
        for name in LAYERS:
            layer = getattr(self, name)
            units = activate(unit, layer(values), self.planar[name])
            with poutine.mask(mask=False):
                z = sample_units(f"units_{name}", units)
            values = (straight_through(z) if is_hard else z)[..., 0]
        return values

    def guide(self, images: Tensor, unit: Distribution) -> None:
        """The units, from the network itself."""
        with pyro.plate("images", len(images)), poutine.scale(scale=1 / len(images)):
            self.units(images, unit)

    def model(
        self, images: Tensor, unit: Distribution, *, is_hard: bool = False
    ) -> Tensor:
        """The units, then the lower half; returns the means of its pixels."""
        with pyro.plate("images", len(images)), poutine.scale(scale=1 / len(images)):
            logits = self.last(self.units(images, unit, is_hard=is_hard))
            lower = Bernoulli(logits=logits).to_event(1)
            pyro.sample("lower", lower, obs=images[:, self.half :])
        return logits.sigmoid()


def make_objectives(
    network: Network, optimizer: PyroOptim, num_samples: int
) -> tuple[SVI, SVI]:
    """What to train, and its average over ten samples to score it."""
    training, scored = (
        SVI(
            network.model,
            network.guide,
            optimizer,
            Trace_ELBO(num_particles=n, **VECTORIZED),
        )
        for n in (num_samples, 10)
    )
    return training, scored


def train(options: PredictionOptions) -> Prediction:
    """Train, score and draw a network that predicts lower halves.

    ValueError or OSError say which file, option or device is of no use.
    """
    start, data = perf_counter(), load_images(options)
    images = data.train
    pyro.clear_param_store()
    seed_epoch(options.seed, 0)
    network = Network(images.shape[1], options.num_units).to(images.device)
    optimizer = Adam({"lr": options.learning_rate})
    svi, scored = make_objectives(network, optimizer, options.num_samples)
    unit = make_unit(options, images.device)
    with keeping(options, surroundings(images)) as kept:
        kept.restore(partial(unpack, network, svi.optim), None)
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            seed_epoch(options.seed, epoch + 1)
            bound = train_epoch(svi, unit, images, options.batch_size)
            held_out = evaluate(svi, unit, data.validation)
            epochs.set_postfix_str(f"log p {bound:.2f}, of validation {held_out:.2f}")
            kept.save_if_due(epoch + 1, partial(pack, network, svi.optim))
    seed_epoch(options.seed, kept.num_epochs + 1)
    return score(options, scored, unit, data, kept.num_epochs, start)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says and print the scores."""
    figures = "runs/structured_prediction_pyro"
    run(PredictionOptions, train, format_prediction, __doc__, figures, arguments)


if __name__ == "__main__":
    main()
