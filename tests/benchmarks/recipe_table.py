"""The table of recipes in the README and the results, from the lines of the study.

python -m tests.benchmarks.recipe_table
"""

from examples.harness.lines import read_lines
from examples.study.report import HEADER, rows, summarize, tuned
from tests.benchmarks.report_table import EXAMPLES, ROOT, write_table

FOUND = ROOT / "examples" / "study" / "found"


def main():
    timings = read_lines(FOUND / "timings.jsonl")
    lines = read_lines(FOUND / "mnist_512_256.jsonl")
    table = rows(summarize(tuned(lines), timings, "validation"))
    write_table("recipes", HEADER, table, ROOT / "README.md", EXAMPLES)


if __name__ == "__main__":
    main()
