"""The results of single runs, grouped by all settings but the seed."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from examples.harness.lines import Line, score_of


class Final(NamedTuple):
    """Runs of some settings, one a seed.

    Args:
        member: What they are known by, the seed of the first one included.
        scores: What each of them found.
        chosen: Among how many settings tuning chose theirs, in words.
    """

    member: dict[str, Any]
    scores: list[dict[str, Any]]
    chosen: str

    @property
    def images(self) -> str:
        """The data set, and what its pixels are."""
        return f"{self.member['dataset']}, {self.member['pixels']}"

    def values(self, name: str) -> list[float]:
        """A score of each run that has it."""
        return [x[name] for x in self.scores if x[name] is not None]


def finals_of(
    lines: Sequence[Line], example: str, settings: Sequence[str]
) -> list[Final]:
    """The runs of an example for which tuning chooses settings of these names."""
    lines = [line for line in lines if line["member"].get("example") == example]
    groups: dict[str, list[Line]] = {}
    for line in lines:
        if line["member"]["test"]:
            groups.setdefault(_without(line, ["seed"]), []).append(line)
    return [
        Final(
            runs[0]["member"],
            [run["scores"] for run in runs],
            _chosen(runs[0], lines, settings),
        )
        for runs in groups.values()
    ]


def _chosen(final: Line, lines: Sequence[Line], settings: Sequence[str]) -> str:
    free = *settings, "seed", "test", "num_importance_samples"
    common = _without(final, free)
    tuned = [
        line
        for line in lines
        if not line["member"]["test"] and _without(line, free) == common
    ]
    if not tuned:
        return "given"
    best = max(tuned, key=lambda line: score_of(line, "validation"))["member"]
    is_best = all(best[name] == final["member"][name] for name in settings)
    return f"{'' if is_best else 'not '}best of {len(tuned)}"


def _without(line: Line, free: Sequence[str]) -> str:
    kept = {k: x for k, x in line["member"].items() if k not in free}
    return json.dumps(kept, sort_keys=True)
