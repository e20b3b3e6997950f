"""A grid of discrete VAEs in NumPyro: recipes, temperatures, learning rates, seeds.

The runs of a recipe train side by side, as one program; each is the run that
`examples.discrete_vae.vae_numpyro` makes with the same options. The result of each is a
line of JSON: the log-likelihood and the ELBO of the discrete model, in nats per
validation image. If killed, the same command resumes.

    python -m examples.study.grid_numpyro
    python -m examples.study.grid_numpyro --dataset mnist --temperature 0.1 0.25 0.5
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

import math
from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from typing import Any

import jax
from jax import Array, random

from examples.discrete_vae.codes_numpyro import make_discrete, make_prior
from examples.discrete_vae.options import Options
from examples.harness.command_line import Parser, make_folder
from examples.harness.grid_numpyro import Members
from examples.harness.lines import Line, append_lines, digest, read_runs
from examples.harness.training_numpyro import load_images, surroundings
from examples.images.datasets import BinaryImages
from examples.study.curves_numpyro import Followed
from examples.study.grid_options import GridOptions
from examples.study.members_numpyro import make_program, program_of, rates_of, train
from examples.study.refit_numpyro import refit
from examples.study.scores_numpyro import (
    Scored,
    objectives_of,
    score,
    what_to_score,
)

VERSIONS = {name: version(name) for name in ("jax", "numpyro", "pyro-igr")}


def refit_block(
    block: Sequence[Options], images: Array, num_epochs: int, params: dict[str, Any]
) -> dict[str, Any]:
    """The parameters of each member of a block, with its guide fitted again."""
    discrete, size = objectives_of(block[0], images).discrete, block[0].batch_size
    members = Members.stack(
        [Members(m.seed, rates_of(m), make_discrete(make_prior(m))) for m in block]
    )

    def refit_one(member: Members, params: dict[str, Any]) -> dict[str, Any]:
        key = random.fold_in(random.PRNGKey(member.seed), block[0].num_epochs + 2)
        of_guide = images, size, num_epochs, params, key
        return refit(discrete, member.prior, *of_guide)

    return jax.vmap(refit_one)(members, params)


def run_block(
    block: Sequence[Options],
    data: BinaryImages[Array],
    scored: dict[str, Scored],
    options: GridOptions,
) -> None:
    """Train and score members of a recipe, and append their lines."""
    images, number = data.train, options.num_followed if options.test else 0
    names, results = [options.name(member) for member in block], options.results
    checkpoint = results.with_name(f"{results.name}.{digest(names)}")
    followed = Followed.first(data, number)
    of_run = make_program(block[0], images), images, checkpoint, followed
    params, curves = train(block, *of_run)
    guides = {"": params}
    if options.refit:
        guides["refitted_"] = refit_block(block, images, options.refit, params)
    lines = []
    for i, (member, name) in enumerate(zip(block, names, strict=True)):
        scores = {}
        for which, of_all in guides.items():
            found = score(member, scored, jax.tree.map(itemgetter(i), of_all))
            scores |= {which + bound: nats for bound, nats in found.items()}
        machine = surroundings(images) | VERSIONS
        line = {"member": name, "on": machine, "scores": scores}
        if followed:
            line["curves"] = {which: x[i].tolist() for which, x in curves.items()}
        lines.append(line)
    append_lines(results, lines, key="member")
    checkpoint.unlink()


def run_grid(options: GridOptions) -> list[Line]:
    """The lines of all members, those made now and those that were there."""
    make_folder(options.results.parent, "--results")
    done = [line["member"] for line in read_runs(options.results)]
    data = load_images(options)
    scored = what_to_score(options, data)
    wanted = options.members()
    left = [member for member in wanted if options.name(member) not in done]
    for _, recipe in groupby(left, program_of):
        members = list(recipe)
        num_blocks = math.ceil(len(members) / options.at_once)
        size = math.ceil(len(members) / num_blocks)  # of all blocks but the last
        for start in range(0, len(members), size):
            block = members[start : start + size]
            run_block(block, data, scored, options)
    names = [options.name(member) for member in wanted]
    return [line for line in read_runs(options.results) if line["member"] in names]


def report(lines: Sequence[Line]) -> str:
    """A row a member."""
    names = "family", "estimator", "temperature", "learning_rate", "decay", "seed"
    rows = [
        "  ".join(str(line["member"][name]) for name in names)
        + "".join(f"  {name} {x:.2f}" for name, x in line["scores"].items())
        for line in lines
    ]
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the grid of the command line and print what its members found."""
    options = GridOptions.parse(__doc__, arguments)
    try:
        print(report(run_grid(options)))
    except (OSError, ValueError) as error:
        Parser(__doc__).error(str(error))


if __name__ == "__main__":
    main()
