"""The tables and the figure of recipes, from the lines of the study.

python -m tests.benchmarks.recipe_table
"""

import statistics

from examples.harness.lines import read_lines
from examples.study.report import HEADER, SCORES, draw, rows, summarize, tuned
from tests.benchmarks.report_table import (
    EXAMPLES,
    ROOT,
    to_header,
    to_row,
    with_spread,
    write_table,
)

FOUND, FIGURE = (ROOT / "examples" / folder for folder in ("study/found", "gallery"))
TIMINGS = read_lines(FOUND / "timings.jsonl")
STUDIES = {
    "linear": "mnist_linear_30",
    "linear, 40 s": "mnist_linear_40s",
    "512-256": "mnist_512_256",
    "Omniglot": "omniglot_linear",
    "Fashion-MNIST": "fashion_linear",
}
SHORT = to_header(["networks", "recipe", "log-likelihood", "ELBO", "s"])


def lines_of(study):
    return read_lines(FOUND / f"{STUDIES[study]}.jsonl")


def finals_of(*studies):
    """What the runs of every seed found, of one study or several."""
    lines = [line for study in studies for line in lines_of(study)]
    tested = [line for line in lines if line["member"]["test"]]
    return summarize(tested, TIMINGS, "test")


def short_rows(*studies):
    """The rows of the README, the highest log-likelihood of each study first."""
    for study in studies:
        for final in sorted(finals_of(study), key=mean_of, reverse=True):
            scores = [with_spread(final.scores[name], 1) for name in SCORES]
            yield to_row([study, final.recipe, *scores, f"{final.seconds:.0f}"])


def mean_of(final):
    return statistics.mean(final.scores["log_likelihood"])


def main():
    for study in STUDIES:
        write_table(f"recipes, {study}", HEADER, rows(finals_of(study)), EXAMPLES)
    of_tuning = summarize(tuned(lines_of("512-256")), TIMINGS, "validation")
    write_table("recipes, 512-256, tuned", HEADER, rows(of_tuning), EXAMPLES)
    write_table("recipes", SHORT, short_rows("512-256", "linear"), ROOT / "README.md")
    draw(finals_of("linear", "linear, 40 s"), FIGURE / "recipes.png")


if __name__ == "__main__":
    main()
