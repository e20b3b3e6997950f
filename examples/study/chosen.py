"""The best settings of a recipe and the times of runs, from the lines of a grid."""

from collections.abc import Sequence
from typing import Any

from examples.harness.lines import Line, score_of
from examples.study.recipes import Recipe

SETTINGS = "temperature", "learning_rate", "decay"
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

    By the log-likelihood of the discrete model, where that is finite. ValueError if
    there is no line.
    """
    of_recipe = [line for line in lines if recipe_of(line["member"]) == recipe]
    if not of_recipe:
        raise ValueError(f"expected lines of {recipe}, got none")
    name = "validation_log_likelihood"
    best = max(of_recipe, key=lambda line: score_of(line, name))
    return {name: best["member"][name] for name in SETTINGS}


def seconds_per_epoch(
    timings: Sequence[Line], recipe: Recipe, architecture: str, dataset: str
) -> float | None:
    """What an epoch of a recipe costs, None if its timing is not there."""
    of = {"recipe": str(recipe), "architecture": architecture, "dataset": dataset}
    found = [line["seconds_per_epoch"] for line in timings if line["timing"] == of]
    return found[0] if found else None
