"""Training of a mixture VAE, whose components are revised between epochs."""

from functools import partial
from typing import Any

import numpy as np
from jax import Array, random
from numpy.typing import NDArray
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState
from tqdm import trange

from examples.dp_mixture_vae.options import MixtureOptions
from examples.dp_mixture_vae.rearranging_numpyro import double_sticks
from examples.dp_mixture_vae.record import Growth, Record
from examples.dp_mixture_vae.revision_numpyro import judge_components, split_components
from examples.dp_mixture_vae.usage import Usage
from examples.dp_mixture_vae.usage_numpyro import draw_usage, wanted_sticks
from examples.harness.run import keeping
from examples.harness.training_numpyro import (
    initialize,
    pack,
    surroundings,
    train_epoch,
    unpack,
)


def grow_as_asked(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    key: Array,
) -> SVIState:
    """Doubles the sticks as often as draws for these images ask for."""
    if options.family != "igr-sb":
        return state
    params, rates = svi.get_params(state), (options.max_overflow, options.rho)
    wanted = wanted_sticks(options.of_model(), params, prior, images, *rates, key)
    return double_sticks(svi, state, wanted)


def fit(
    options: MixtureOptions,
    svi: SVI,
    prior: Distribution,
    images: Array,
    validation: Array,
    key: Array,
) -> tuple[SVIState, Record]:
    """Trains for the epochs that are left, with checkpoints; returns the record too."""
    batch = images[: options.batch_size]
    with keeping(options, surroundings(images)) as kept:
        state = initialize(svi, prior, batch, key)
        fresh = as_arrays(Record()), state
        arrays, state = kept.restore(partial(unpack, fresh), fresh)
        record = Record.from_lists(*(x.tolist() for x in arrays))
        epochs = trange(kept.epochs_done, options.num_epochs, disable=None)
        for epoch in epochs:
            keys = random.split(random.fold_in(key, epoch + 1), 5)
            state = grow_as_asked(options, svi, state, prior, batch, keys[0])
            state, elbo = train_epoch(
                svi, prior, images, options.batch_size, state, keys[1]
            )
            splits = images, validation, keys[3:]
            state = revise(options, svi, state, prior, *splits, record, epoch + 1)
            params = svi.get_params(state)
            usage = draw_usage(
                options.of_model(), params, prior, validation, options.rho, 1, keys[2]
            )
            record.growth.append(measure_growth(options, params, usage))
            used = f"{record.growth[-1].used} components used"
            epochs.set_postfix_str(f"ELBO {elbo:.2f}, {used}")
            kept.save_if_due(epoch + 1, partial(pack, (as_arrays(record), state)))
    record.warn_if_growing()
    return state, record


def as_arrays(record: Record) -> list[NDArray[np.floating]]:
    """What a checkpoint has of a record."""
    return [np.array(each) for each in record.to_lists()]


def revise(
    options: MixtureOptions,
    svi: SVI,
    state: SVIState,
    prior: Distribution,
    images: Array,
    validation: Array,
    keys: Array,
    record: Record,
    num_epochs: int,
) -> SVIState:
    """Judges and splits components, if that is due after so many epochs."""
    if options.judges_after(num_epochs):
        of, rest = (prior, images), (keys[0], record.tried, num_epochs)
        state, found = judge_components(options, svi, state, *of, validation, *rest)
        record.add(found)
        if options.splits_after(num_epochs) and not record.is_settled:
            state, tried = split_components(options, svi, state, *of, found, keys[1])
            record.tried.extend(tried)
    return state


def measure_growth(
    options: MixtureOptions, params: dict[str, Any], usage: Usage
) -> Growth:
    """The number of components, by what the guide says of some images."""
    return Growth.from_usage(usage, params["breaks"].shape[-1], options.family)
