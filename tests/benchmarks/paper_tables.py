"""The paper's tables and figures in the examples' results, from the lines of runs.

python -m tests.benchmarks.paper_tables
"""

from examples.study.paper import PaperOptions, draw, tables
from tests.benchmarks.report_table import EXAMPLES, ROOT, write_table

FOUND = PaperOptions(results=ROOT / "examples" / "study" / "found" / "paper")


def main():
    for title, header, rows in tables(FOUND):
        write_table(title, header, rows, EXAMPLES)
    draw(FOUND)


if __name__ == "__main__":
    main()
