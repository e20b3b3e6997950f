"""Training of the runs of a grid: those of a recipe side by side, as one program."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import jax
from jax import Array
from numpyro.infer import SVI
from numpyro.optim import Adam
from tqdm import trange

from examples.discrete_vae.codes_numpyro import make_prior
from examples.discrete_vae.options import Options
from examples.harness import command_line
from examples.harness.grid_numpyro import (
    MakeSVI,
    Members,
    Rates,
    grid_params,
    start_grid,
    train_grid_epoch,
)
from examples.harness.run import keeping
from examples.harness.training_numpyro import (
    CosineDecay,
    average,
    pack,
    surroundings,
    unpack,
)
from examples.study.curves_numpyro import Curves, Followed, empty_curves, follow
from examples.study.scores_numpyro import objectives_of


def make_program(member: Options, images: Array) -> MakeSVI:
    """What a member trains, with any learning rates."""
    of_run = member.num_epochs, len(images) // member.batch_size
    return _with_rates(objectives_of(member, images).training, *of_run)


@cache  # the blocks of a recipe get the same object, so that nothing is compiled twice
def _with_rates(svi: SVI, num_epochs: int, num_batches: int) -> MakeSVI:
    def make_svi(rates: Rates) -> SVI:
        rate = CosineDecay(rates[0], num_epochs, num_batches, last=rates[1])
        return SVI(svi.model, svi.guide, Adam(rate), svi.loss)

    return make_svi


def rates_of(member: Options) -> tuple[float, float]:
    """The learning rates of a member, which are equal unless they decay."""
    last = 0.0 if member.decay == "cosine" else member.learning_rate
    return member.learning_rate, last


def program_of(member: Options) -> tuple[str | int, ...]:
    """What members have in common that train as one program."""
    is_averaged = member.decay == "average"
    return member.family, member.estimator, member.num_samples, is_averaged


def train(
    block: Sequence[Options],
    make_svi: MakeSVI,
    images: Array,
    checkpoint: Path,
    followed: Followed | None = None,
) -> tuple[dict[str, Any], Curves]:
    """The parameters that each member of a block ends with, along a first axis.

    And what they were followed by, an epoch along the second.
    """
    command_line.again = "the same command"
    first, batch = block[0], images[: block[0].batch_size]
    options = replace(first, checkpoint=checkpoint, resume=checkpoint.exists())
    each = [Members(m.seed, rates_of(m), make_prior(m)) for m in block]
    # Put where the images are, lest the first epoch is compiled apart from the others.
    members = jax.device_put(Members.stack(each), images.device)
    around = surroundings(images) | {"members": [m.configuration() for m in block]}
    with keeping(options, around) as kept:
        states = start_grid(make_svi, members, batch)
        mean = grid_params(make_svi, members, batch, states)
        curves = empty_curves(followed, len(block), first.num_epochs)
        fresh = states, mean, curves
        states, mean, curves = kept.restore(partial(unpack, fresh), fresh)
        epochs = trange(kept.epochs_done, first.num_epochs, disable=None)
        for epoch in epochs:
            of_epoch = images, first.batch_size, states, epoch
            states, elbos = train_grid_epoch(make_svi, members, *of_epoch)
            epochs.set_postfix_str(f"ELBOs {elbos.min():.2f} to {elbos.max():.2f}")
            params = grid_params(make_svi, members, batch, states)
            mean = average(mean, params, first.num_averaged(epoch + 1))
            if followed:
                found = follow(first, members, followed, mean)
                for name, numbers in found.items():
                    curves[name][:, epoch] = numbers
            kept.save_if_due(epoch + 1, partial(pack, (states, mean, curves)))
    return mean, curves
