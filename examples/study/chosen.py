"""The best settings of a recipe and the times of runs, from the lines of a grid."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from examples.discrete_vae.options import Options
from examples.harness.lines import Line, score_of
from examples.study.recipes import Recipe

SETTINGS = "temperature", "learning_rate", "decay"
# What the cost of an epoch depends on, and what is meant where a line does not say
PRICED = "architecture", "dataset", "pixels", "batch_size"
PRICED += "num_variables", "num_categories"
ASSUMED = {name: getattr(Options(), name) for name in PRICED}
USUAL = {
    "family": "gumbel-softmax",
    "estimator": "discrete-kl",
    "temperature": 0.5,
    "learning_rate": 1e-3,
    "decay": "none",
}  # untuned, as in many a program since Jang et al. (2017)


def recipe_of(member: dict[str, Any]) -> Recipe:
    """The recipe of a member."""
    return Recipe(*(member[name] for name in Recipe._fields))


def name_of(member: dict[str, Any]) -> str:
    """The recipe of a member as a word, and whether it is what one would have done."""
    of_usual = ", the usual" if USUAL.items() <= member.items() else ""
    return f"{recipe_of(member)}{of_usual}"


def best_settings(lines: Sequence[Line], recipe: Recipe) -> dict[str, Any]:
    """The temperature, learning rate and decay that did best on validation images.

    By the log-likelihood of the discrete model. ValueError if that is finite in none of
    the lines.
    """
    of_recipe = [line for line in lines if recipe_of(line["member"]) == recipe]
    if not of_recipe:
        raise ValueError(f"expected lines of {recipe}, got none")
    name = "validation_log_likelihood"
    best = max(of_recipe, key=lambda line: score_of(line, name))
    if not math.isfinite(best["scores"][name]):
        raise ValueError(f"expected a finite score of {recipe}, got none")
    return {name: best["member"][name] for name in SETTINGS}


def timing_of(recipe: Recipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the timing of a recipe is known by, among the options of a run."""
    priced = {name: options[name] for name in PRICED if name in options}
    return {"recipe": str(recipe)} | ASSUMED | priced


def seconds_per_epoch(
    timings: Sequence[Line], recipe: Recipe, options: Mapping[str, Any]
) -> float | None:
    """What an epoch of a recipe costs, None if the timing of such runs is not there."""
    wanted = timing_of(recipe, options)
    for line in timings:
        if ASSUMED | line["timing"] == wanted:
            return line["seconds_per_epoch"]
    return None
