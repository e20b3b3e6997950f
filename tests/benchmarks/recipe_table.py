"""The tables and the figure of the study, from its lines.

python -m tests.benchmarks.recipe_table
"""

from examples.harness.lines import read_lines
from examples.study import prediction
from examples.study.chosen import recipe_of
from examples.study.recipe_scores import summarize, tuned
from examples.study.report import HEADER, draw, rows
from tests.benchmarks.report_table import EXAMPLES, ROOT, write_table

FOUND, FIGURE = (ROOT / "examples" / folder for folder in ("study/found", "gallery"))
TIMINGS = read_lines(FOUND / "timings.jsonl")
STUDIES = {
    "linear": "mnist_linear_30",
    "linear, larger rates": "mnist_linear_rates",
    "linear, averaged": "mnist_linear_averaged",
    "linear, refitted": "mnist_linear_refitted",
    "linear, 40 s": "mnist_linear_40s",
    "512-256": "mnist_512_256",
    "512-256, 62 s": "mnist_512_256_62s",
    "512-256, averaged": "mnist_512_256_averaged",
    "512-256, refitted": "mnist_512_256_refitted",
    "Omniglot": "omniglot_linear",
    "Fashion-MNIST": "fashion_linear",
}


def lines_of(study):
    return read_lines(FOUND / f"{STUDIES[study]}.jsonl")


def finals_of(*studies):
    """What the runs of every seed found, of one study or several."""
    lines = [line for study in studies for line in lines_of(study)]
    tested = [line for line in lines if line["member"]["test"]]
    return summarize(tested, TIMINGS, "test")


def by_rate():
    """The best that tuning found for a recipe at each learning rate, with decay."""
    larger = lines_of("linear, larger rates")
    recipes = {recipe_of(line["member"]) for line in larger}
    groups = {}
    for line in lines_of("linear") + larger:
        of = line["member"]
        if recipe_of(of) in recipes and of["decay"] == "cosine":
            groups.setdefault(of["learning_rate"], []).append(line)
    best = [line for group in groups.values() for line in tuned(group)]
    return summarize(best, TIMINGS, "validation")


def main():
    for study in STUDIES:
        if found := finals_of(study):
            write_table(f"recipes, {study}", HEADER, rows(found), EXAMPLES)
    for study in "512-256", "512-256, averaged", "linear, averaged":
        of_tuning = summarize(tuned(lines_of(study)), TIMINGS, "validation")
        write_table(f"recipes, {study}, tuned", HEADER, rows(of_tuning), EXAMPLES)
    write_table("recipes, linear, by rate", HEADER, rows(by_rate()), EXAMPLES)
    linear = finals_of("linear", "linear, averaged", "linear, 40 s")
    draw(linear, FIGURE / "recipes.png")
    units = prediction.rows(read_lines(FOUND / "prediction_digits.jsonl"))
    write_table("prediction table", prediction.HEADER, units, EXAMPLES)


if __name__ == "__main__":
    main()
