"""What recipes scored, seed by seed, gathered from the lines of JSON of their runs."""

import statistics
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from examples.harness.lines import Line
from examples.study.chosen import (
    SETTINGS,
    best_settings,
    name_of,
    recipe_of,
    seconds_per_epoch,
)
from examples.study.recipes import Recipe

SCORES = "log_likelihood", "elbo"
CHECKS = "refitted_test", "few", "few_tenfold"  # of the log-likelihood
FREE = {"seed", "num_followed"}  # what runs of a row may differ in


class Final(NamedTuple):
    """What a recipe found in a budget, by seed.

    Args:
        recipe: Its name.
        settings: Those that did best in tuning, its temperature empty if it has none.
        num_epochs: Of each run.
        seconds: That they take, by the timings, if there is one.
        scores: Values of each score, one a seed, and of each check that was made.
    """

    recipe: str
    settings: dict[str, Any]
    num_epochs: int
    seconds: float | None
    scores: dict[str, list[float]]


def tuned(lines: Sequence[Line]) -> list[Line]:
    """The line of each recipe and budget that did best on validation images."""
    groups: dict[tuple[Recipe, int], list[Line]] = {}
    for line in lines:
        if not line["member"]["test"]:
            key = recipe_of(line["member"]), line["member"]["num_epochs"]
            groups.setdefault(key, []).append(line)
    best = {key: best_settings(group, key[0]) for key, group in groups.items()}
    return [
        line
        for key, group in groups.items()
        for line in group
        if best[key].items() <= line["member"].items()
    ]


def row_of(line: Line) -> tuple[Any, ...]:
    """What the lines of a row have in common: recipe, number of epochs, settings."""
    member = line["member"]
    settings = [str(member[name]) for name in SETTINGS]
    return name_of(member), member["num_epochs"], *settings


def summarize(
    lines: Sequence[Line], timings: Sequence[Line], split: str
) -> list[Final]:
    """What lines say of the images of a split, those of a recipe together.

    ValueError if those are of other runs, of other images say, that have no row here.
    """
    found = []
    for _, group in groupby(sorted(lines, key=row_of), row_of):
        runs = list(group)
        _check_seeds([run["member"] for run in runs])
        member, epochs = runs[0]["member"], runs[0]["member"]["num_epochs"]
        recipe = recipe_of(member)
        cost = seconds_per_epoch(timings, recipe, member)
        wanted = {name: f"{split}_{name}" for name in SCORES}
        wanted |= {check: f"{check}_log_likelihood" for check in CHECKS}
        scores = {
            name: [run["scores"][score] for run in runs]
            for name, score in wanted.items()
            if all(score in run["scores"] for run in runs)
        }
        settings = {name: member[name] for name in SETTINGS}
        if not recipe.has_temperature:
            settings["temperature"] = ""
        of_run = name_of(member), settings, epochs, cost and cost * epochs
        found.append(Final(*of_run, scores))
    return found


def _check_seeds(members: Sequence[dict[str, Any]]) -> None:
    first = members[0]
    names = {n for each in members for n in each if each[n] != first.get(n)}
    if others := sorted(names - FREE):
        raise ValueError(
            f"expected lines of {name_of(first)} that differ in their seed alone, got "
            f"several values of {', '.join(others)}: give them files of their own"
        )


def best_first(found: Sequence[Final]) -> list[Final]:
    """The same, the highest log-likelihood first."""
    return sorted(found, key=lambda x: -statistics.mean(x.scores[SCORES[0]]))
