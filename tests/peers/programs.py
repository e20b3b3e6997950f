"""Relaxes programs that the hosts come with, and compares with enumeration.

    PYRO_SRC=... NUMPYRO_SRC=... python tests/peers/programs.py [LOG]

The variables name checkouts of the hosts, of the version that is installed or near;
NumPyro's enumeration needs the package ``funsor``. Prints two tables and writes them
into tests/README.md. LOG keeps the outcome of each program, a line of JSON each, and
those that it holds are not run again.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VARIABLES = {"pyro": "PYRO_SRC", "numpyro": "NUMPYRO_SRC"}
NEEDS = {"pyro": ("pyro",), "numpyro": ("numpyro", "funsor")}
STEPS, DRAWS = 300, 300
Outcome = dict[str, Any]


def names(host: str) -> list[str]:
    """The programs of a host, read without importing it."""
    tree = ast.parse((HERE / f"{host}_programs_of_host.py").read_text())
    tables = [n.value for n in tree.body if isinstance(n, ast.Assign)]
    table = [t for t in tables if isinstance(t, ast.Dict)][-1]
    return [key.value for key in table.keys if isinstance(key, ast.Constant)]


def run(host: str, name: str, steps: int = STEPS, draws: int = DRAWS) -> Outcome:
    """What becomes of a program, in a process of its own."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [HERE / f"run_in_{host}.py", name, str(steps), str(draws)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, command)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name} did not run:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def is_above(bound: tuple[float, float], evidence: float) -> bool:
    """Whether a bound is above the evidence by more than its errors."""
    mean, error = bound
    return mean > evidence + 4 * error + 1e-3 * abs(evidence)


def outcomes(log: Path | None) -> Iterator[tuple[str, str, Outcome]]:
    """Those of all programs, from the log or by running them."""
    lines = log.read_text().splitlines() if log and log.exists() else []
    known = {(host, name): outcome for host, name, outcome in map(json.loads, lines)}
    for host, variable in VARIABLES.items():
        for name in names(host) if variable in os.environ else []:
            if (host, name) not in known:
                known[host, name] = run(host, name)
                if log:
                    with log.open("a") as file:
                        file.write(json.dumps([host, name, known[host, name]]) + "\n")
            yield host, name, known[host, name]


def to_cells(host: str, name: str, outcome: Outcome, why: str) -> list[str]:
    cells = [host, f"`{name}`", outcome["how"]]
    for bound, *others in (
        ("bound given", "best given", "evidence given"),
        ("bound", "enumerated bound", "evidence"),
    ):
        cells.append(_number(outcome.get(bound)))
        cells += [_number(outcome.get(other)) for other in others]
    return [*cells, why]


def _number(value: tuple[float, float] | float | None) -> str:
    if value is None:
        return ""
    numbers = [value] if isinstance(value, float) else value
    return " ± ".join(f"{number:.2f}" for number in numbers if number == number)


def to_reason(outcome: Outcome) -> str:
    """What the error says, in a line."""
    return " ".join((outcome["says"] or "").split("\n")[0].split()).replace("|", r"\|")


def main() -> None:
    sys.path.append(str(HERE.parents[1]))
    from explained import WHY

    from tests.benchmarks.report_table import TESTS, to_header, to_row, write_table

    columns = ["host", "program", "relaxed", "ELBO given w", "best independent"]
    columns += ["log p(x, w)", "ELBO", "ELBO, enumerated", "log p(x)", "why"]
    log = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    rows = list(outcomes(log))
    table = [to_row(to_cells(*row, WHY[row[1]])) for row in rows]
    write_table("programs", to_header(columns), table, TESTS)
    said = [row for row in rows if row[2]["says"]]
    table = [to_row([h, f"`{n}`", o["edit"], to_reason(o)]) for h, n, o in said]
    header = to_header(["host", "program", "edit", "what relaxing it without says"])
    write_table("edits of programs", header, table, TESTS)


if __name__ == "__main__":
    main()
