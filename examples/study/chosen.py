"""What the lines of a grid say: the best settings of a recipe, and what runs cost."""

from collections.abc import Sequence
from typing import Any

from examples.harness.lines import Line
from examples.study.recipes import Recipe

SETTINGS = "temperature", "learning_rate", "decay"


def recipe_of(member: dict[str, Any]) -> Recipe:
    """The recipe of a member."""
    return Recipe(*(member[name] for name in Recipe._fields))


def best_settings(lines: Sequence[Line], recipe: Recipe) -> dict[str, Any]:
    """The temperature, learning rate and decay that did best on validation images.

    By the log-likelihood of the discrete model. ValueError if there is no line.
    """
    of_recipe = [line for line in lines if recipe_of(line["member"]) == recipe]
    if not of_recipe:
        raise ValueError(f"expected lines of {recipe}, got none")
    best = max(of_recipe, key=lambda line: line["scores"]["validation_log_likelihood"])
    return {name: best["member"][name] for name in SETTINGS}


def seconds_per_epoch(
    timings: Sequence[Line], recipe: Recipe, architecture: str
) -> float:
    """What an epoch of a recipe costs; ValueError if its timing is not there."""
    of = {"recipe": str(recipe), "architecture": architecture}
    for line in timings:
        if line["timing"] == of:
            return line["seconds_per_epoch"]
    raise ValueError(f"expected a timing of {recipe}, {architecture}, got none")
