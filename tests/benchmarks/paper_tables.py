"""The paper's tables and figures in the examples' results, from the lines of runs.

python -m tests.benchmarks.paper_tables

And, in the README, how far ahead of Gumbel-Softmax the others are.
"""

from statistics import mean

from examples.harness.lines import read_runs
from examples.study.paper import PaperOptions, draw, tables
from examples.study.recipe_scores import SCORES, best_first, summarize
from tests.benchmarks.report_table import (
    EXAMPLES,
    ROOT,
    to_header,
    to_row,
    write_table,
)

FOUND = PaperOptions(results=ROOT / "examples" / "study" / "found" / "paper")
IMAGES = {
    "MNIST, linear": "mnist-linear",
    "MNIST, 512-256": "mnist-512-256",
    "thresholded MNIST, linear": "thresholded-linear",
    "gray Fashion-MNIST, linear": "fashion-linear",
    "gray Fashion-MNIST, 512-256": "fashion-512-256",
    "Omniglot-small, linear": "omniglot-linear",
    "Omniglot-small, 512-256": "omniglot-512-256",
}
RELAXED, DISCRETE = "gumbel-softmax/monte-carlo-kl", "gumbel-softmax/discrete-kl"
LEADS = {
    "IGR, relaxed KL": ("igr/analytic-kl", RELAXED),
    "sticks, relaxed KL": ("igr-sb/analytic-kl", RELAXED),
    "the paper's sticks, relaxed KL": ("igr-sb-eq18/analytic-kl", RELAXED),
    "IGR, discrete KL": ("igr/discrete-kl", DISCRETE),
    "sticks, discrete KL": ("igr-sb/discrete-kl", DISCRETE),
}


def leads():
    for name, part in IMAGES.items():
        runs = [x for x in read_runs(FOUND.lines(part)) if x["member"]["test"]]
        best = {}
        for final in best_first(summarize(runs, (), "test")):
            best.setdefault(final.recipe, final.scores)
        yield to_row([name, *(lead(best, *pair) for pair in LEADS.values())])


def lead(best, recipe, rival):
    if recipe not in best:
        return ""
    ahead = (mean(best[recipe][x]) - mean(best[rival][x]) for x in SCORES)
    return " / ".join(f"{x:+.1f}" for x in ahead)


def main():
    for title, header, rows in tables(FOUND):
        write_table(title, header, rows, EXAMPLES)
    write_table("leads", to_header(["", *LEADS]), leads(), ROOT / "README.md")
    draw(FOUND)


if __name__ == "__main__":
    main()
