"""Runs our distributions and maps through the test suites of the hosts.

    PYRO_SRC=... NUMPYRO_SRC=... TORCH_SRC=... python tests/peers/suites.py

The variables name checkouts of the hosts, of the version that is installed or near.
PyTorch's own suite needs the package ``expecttest``.

Prints the numbers of passed, skipped and failed tests and writes them, with the reason
of each that did not pass, into tests/README.md.
"""

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
REPORT = ROOT / "tests" / "README.md"
BEGIN, END = "<!-- peers -->", "<!-- end of peers -->"
LAWS = """

import numpyro_suite

CONTINUOUS[:], DISCRETE[:] = numpyro_suite.tables_of_laws(T)
DIRECTIONAL[:] = []
"""
MAPS = """

import numpyro_suite

TRANSFORMS = numpyro_suite.table_of_maps(T)
"""
# For the reasons that tests/README.md gives.
LEFT_OUT_OF_NUMPYRO = {
    "test_distribution_constraints": ("ExpIGR", "GEM", "IGRFlow", "OneHotCategorical"),
    "test_jit_log_likelihood": ("GEM",),
    "test_log_prob_gradient": (
        "IGRFlow",
        "IGRStraightThrough",
        "RelaxedOneHotCategoricalStraightThrough",
    ),
}
BIJECTIVE = """

@pytest.mark.parametrize("case", numpyro_suite.BIJECTIONS)
def test_our_bijections(case):
    test_bijective_transforms(*numpyro_suite.BIJECTIONS[case])
"""


class Outcomes(NamedTuple):
    """What became of the tests of a suite: a count and the reasons, by outcome."""

    counts: Counter
    reasons: Counter


def pyro_suite(source: Path, folder: Path) -> list[str]:
    """The command of Pyro's suite."""
    options = ["-c", str(source / "setup.cfg"), "-p", "tests.conftest"]
    return [*options, str(HERE / "pyro_suite.py")]


def numpyro_suite(source: Path, folder: Path) -> list[str]:
    """The command of NumPyro's suite, after copies of its files with our tables."""
    laws = (source / "test" / "test_distributions.py").read_text()
    generic = _tests_with("jax_dist", laws) | _tests_with("jax_dist_cls", laws)
    (folder / "test_laws.py").write_text(
        laws.replace("\nBASE = [", LAWS + "\nBASE = [")
    )
    maps = (source / "test" / "test_transforms.py").read_text()
    table_end = "\n}\n\n\n@pytest"
    assert maps.count(table_end) == 1
    maps = maps.replace(table_end, "\n}" + MAPS + "\n\n@pytest") + BIJECTIVE
    (folder / "test_maps.py").write_text(maps)
    parametrized = {"test_parametrized_transform", "test_our_bijections"}
    names = " or ".join(sorted(generic | parametrized | {"goodness"}))
    left_out = " or ".join(
        f"{test} and ([{law} or -{law})"
        for test, laws in LEFT_OUT_OF_NUMPYRO.items()
        for law in laws
    )
    names = f"({names}) and not ({left_out})"
    files = [
        folder / "test_laws.py",
        folder / "test_maps.py",
        HERE / "numpyro_suite.py",
    ]
    options = ["-c", str(source / "pyproject.toml"), "--rootdir", str(folder)]
    return [*options, "-k", names, *map(str, files)]


def torch_suite(source: Path, folder: Path) -> list[str]:
    """The command of PyTorch's suite."""
    options = ["-c", os.devnull, "--rootdir", str(folder), "-W", "ignore"]
    return [*options, str(HERE / "torch_suite.py")]


class Suite(NamedTuple):
    """How a suite is found and run.

    Args:
        variable: The environment variable that names the checkout.
        path: What is imported from, in the checkout.
        needs: The modules without which it does not run.
        command: Its arguments to pytest, given the checkout and a folder.
    """

    variable: str
    path: str
    needs: tuple[str, ...]
    command: Callable[[Path, Path], list[str]]


SUITES = {
    "Pyro": Suite("PYRO_SRC", ".", ("pyro",), pyro_suite),
    "NumPyro": Suite("NUMPYRO_SRC", ".", ("numpyro",), numpyro_suite),
    "PyTorch": Suite(
        "TORCH_SRC", "test/distributions", ("pyro", "expecttest"), torch_suite
    ),
}


def _tests_with(argument: str, source: str) -> set[str]:
    functions = (n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
    return {
        function.name
        for function in functions
        if function.name.startswith("test_")
        if argument in [a.arg for a in function.args.args]
    }


def run(name: str) -> Outcomes:
    """Runs a suite in a process of its own."""
    suite = SUITES[name]
    source = Path(os.environ[suite.variable]).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        report = folder / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", "-o", "addopts="]
        options += ["--import-mode=importlib", f"--junitxml={report}"]
        path = [source / suite.path, ROOT, HERE, os.environ.get("PYTHONPATH", "")]
        command = suite.command(source, folder)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *command],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.exists():
            raise RuntimeError(
                f"the suite of {name} did not run:\n{done.stdout[-3000:]}"
            )
        return _read(report)


def _read(report: Path) -> Outcomes:
    counts, reasons = Counter(), Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        outcome, reason = "passed", None
        for child in case:
            if child.tag in ("failure", "error", "skipped"):
                is_skip = child.tag == "skipped" and child.get("type") != "pytest.xfail"
                kinds = {"skipped": "skipped" if is_skip else "xfailed"}
                outcome = kinds.get(child.tag, "failed")
                reason = child.get("message") or child.get("type")
        counts[outcome] += 1
        if outcome != "passed":
            name = case.get("name").split("[")[0]
            reasons[outcome, name, _for_every_law(reason.splitlines()[0])] += 1
    return Outcomes(counts, reasons)


def _for_every_law(reason: str) -> str:
    """A reason without the family that it is given for, unless that comes first."""
    reason = re.sub(r"<\S*?(\w+) object at [^>]*>", r"\1", reason)
    return re.sub(r"\b(\w*IGR|GEM|RelaxedOneHot)\w*\b(?!:)", "LAW", reason)


def main() -> None:
    lines = ["| suite | passed | skipped | expected to fail | failed |"]
    lines += ["|---|---|---|---|---|"]
    reasons = []
    for suite in SUITES:
        if SUITES[suite].variable not in os.environ:
            continue
        counts, found = run(suite)
        kinds = ("passed", "skipped", "xfailed", "failed")
        lines.append(f"| {suite} | " + " | ".join(str(counts[k]) for k in kinds) + " |")
        for (outcome, name, reason), count in sorted(found.items()):
            reasons.append(f"| {suite} | `{name}` | {count} {outcome} | {reason} |")
    lines += ["", "| suite | test | outcome | the reason that the suite gives |"]
    lines += ["|---|---|---|---|", *reasons]
    table = "\n".join(lines)
    print(table)
    before, rest = REPORT.read_text().split(BEGIN)
    REPORT.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
