"""A grid of discrete VAEs in NumPyro: families, temperatures, learning rates, seeds.

The members of a family train side by side, as one program, under the discrete KL; each
is the run that `examples.discrete_vae.vae_numpyro` makes of its options. What each has
found is a line of JSON: the log-likelihood and the ELBO of the discrete model, in nats
an image, on validation images. The same command goes on where it was killed.

    python -m examples.study.grid_numpyro
    python -m examples.study.grid_numpyro --dataset mnist --temperature 0.1 0.25 0.5
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import jax
from jax import Array, random
from numpyro.infer import SVI
from numpyro.optim import Adam
from scipy.special import logsumexp
from tqdm import trange

from examples.discrete_vae.codes_numpyro import make_discrete, make_elbo, make_prior
from examples.discrete_vae.options import Options
from examples.discrete_vae.scores_numpyro import weigh
from examples.discrete_vae.vae_numpyro import DiscreteVAE
from examples.harness.grid_numpyro import (
    MakeSVI,
    Members,
    grid_params,
    start_grid,
    train_grid_epoch,
)
from examples.harness.lines import Line, append_lines, read_lines
from examples.harness.run import keeping
from examples.harness.training_numpyro import load_images, pack, surroundings, unpack
from examples.study.options import GridOptions

VERSIONS = {name: version(name) for name in ("jax", "numpyro", "pyro-igr")}


def configuration(member: Options) -> dict[str, Any]:
    """What the line of a member is known by."""
    lengths = "num_epochs", "num_importance_samples"
    return member.configuration() | {name: getattr(member, name) for name in lengths}


def make_program(member: Options, num_pixels: int) -> MakeSVI:
    """The VAE of a member, to be trained with any learning rate."""
    vae = DiscreteVAE(member.sizes(num_pixels))
    elbo = partial(make_elbo, member.estimator, member.num_samples)
    return lambda rate: SVI(vae.model, vae.guide, Adam(rate), elbo())


def train(
    block: Sequence[Options], make_svi: MakeSVI, images: Array, checkpoint: Path
) -> dict[str, Any]:
    """The parameters that each member of a block ends with, along a first axis."""
    first = block[0]
    options = replace(first, checkpoint=checkpoint, resume=checkpoint.exists())
    members = Members.stack(
        [Members(m.seed, m.learning_rate, make_prior(m)) for m in block]
    )
    around = surroundings(images) | {"members": [configuration(m) for m in block]}
    with keeping(options, around) as kept:
        states = start_grid(make_svi, members, images[: first.batch_size])
        states = kept.restore(partial(unpack, states), states)
        epochs = trange(kept.epochs_done, first.num_epochs, disable=None)
        for epoch in epochs:
            of_epoch = images, first.batch_size, states, epoch
            states, elbos = train_grid_epoch(make_svi, members, *of_epoch)
            epochs.set_postfix_str(f"ELBOs {elbos.min():.2f} to {elbos.max():.2f}")
            kept.save_if_due(epoch + 1, partial(pack, states))
    return grid_params(make_svi, members, images[: first.batch_size], states)


def score(
    member: Options, svi: SVI, images: Array, params: dict[str, Any]
) -> dict[str, float]:
    """Of the discrete model, by the same codes: both bounds, in nats an image."""
    prior, key = make_discrete(make_prior(member)), random.PRNGKey(member.seed)
    of_end = params, random.fold_in(key, member.num_epochs + 1)
    weights = weigh(svi, prior, images, member.num_importance_samples, *of_end)
    log_likelihood = logsumexp(weights, 1) - math.log(weights.shape[1])
    return {
        "log_likelihood": log_likelihood.mean().item(),
        "elbo": weights.mean().item(),
    }


def run_block(
    block: Sequence[Options],
    make_svi: MakeSVI,
    images: Array,
    validation: Array,
    results: Path,
) -> None:
    """Train and score members of a family, and append their lines."""
    names = [configuration(member) for member in block]
    digest = sha256(json.dumps(names).encode()).hexdigest()[:16]
    checkpoint = results.with_name(f"{results.name}.{digest}")
    params = train(block, make_svi, images, checkpoint)
    svi, lines = make_svi(1.0), []
    for i, (member, name) in enumerate(zip(block, names, strict=True)):
        scores = score(member, svi, validation, jax.tree.map(itemgetter(i), params))
        of = surroundings(images) | VERSIONS
        lines.append({"member": name, "on": of, "scores": scores})
    append_lines(results, lines, key="member")
    checkpoint.unlink()


def run_grid(options: GridOptions) -> list[Line]:
    """The lines of all members, those made now and those that were there."""
    _, images, validation, _ = load_images(options)
    wanted = options.members()
    done = [line["member"] for line in read_lines(options.results)]
    left = [member for member in wanted if configuration(member) not in done]
    for _, family in groupby(left, lambda member: member.family):
        members = list(family)
        make_svi = make_program(members[0], images.shape[1])
        num_blocks = math.ceil(len(members) / options.at_once)
        size = math.ceil(len(members) / num_blocks)  # of all blocks but the last
        for start in range(0, len(members), size):
            block = members[start : start + size]
            run_block(block, make_svi, images, validation, options.results)
    names = [configuration(member) for member in wanted]
    return [line for line in read_lines(options.results) if line["member"] in names]


def report(lines: Sequence[Line]) -> str:
    """A row a member."""
    names = "family", "temperature", "learning_rate", "seed"
    rows = [
        "  ".join(str(line["member"][name]) for name in names)
        + "".join(f"  {name} {x:.2f}" for name, x in line["scores"].items())
        for line in lines
    ]
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the grid of the command line and print what its members found."""
    try:
        print(report(run_grid(GridOptions.parse(__doc__, arguments))))
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
