"""Help ends with two commands to copy, and a wrong value ends a program in one line."""

import importlib
import re
from pathlib import Path

import pytest

ENTRIES = {
    "annealing": ["-n=0", "--num-steps=many", "--steps"],
    "triangle": [
        "--weights 1 1",
        "--weights 1 1 0",
        "--weights 1e-40 1 1",
        "--figures=/dev/null/folder",
    ],
    "swap_in.models": ["-n=0", "--num-points=-1"],
    "approximate.integers": ["-t=zipf", "-k=1", "-lr=0", "--figure-format=bmp"],
    "discrete_vae.vae": [
        "--temperature=-1",
        "--decay=linear",
        "--num-epochs=1.5",
        "--batch-size=5000 --dataset=digits",
        "--device=abacus --dataset=digits",
        "--data-dir=none --dataset=mnist",
        "--resume",
        "--resume --checkpoint=none --dataset=digits",
        "--figures=a --no-figures",
        "--figures=/dev/null/folder",
    ],
    "structured_prediction.halves": [
        "--num-units=0",
        "--dataset=cifar",
        "-b=5000 --dataset=digits",
        "--pixels=gray",
    ],
    "dp_mixture.mixture": ["--capacity=0", "--dataset=moons", "-d=0", "-lr=0"]
    + ["-w=0", "-w=1.1", "--figures=/dev/null/folder"],
    "dp_mixture_vae.vae": [
        "--rho=1",
        "--rho=0.999999999",
        "--truncation=8",
        "--encoder",
        "--pixels=gray",
        "-b=5000 --dataset=digits",
    ],
}
HOSTS = "pyro", "numpyro"
PROGRAMS = [f"examples.{name}_{host}" for name in ENTRIES for host in HOSTS]
GRID, REPORT = "examples.study.grid_numpyro", "examples.study.report"
PAPER = "examples.study.paper"
STUDY = [GRID, "examples.study.recipes_numpyro", "examples.study.timings_numpyro"]
TABLES = ["examples.study.prediction", "examples.study.mixtures"]
FOUND = Path(__file__).parents[2] / "examples/study/found"
WRONG = [
    (f"examples.{name}_{host}", arguments)
    for name, table in ENTRIES.items()
    for arguments in table
    for host in HOSTS
]
WRONG += [
    (program, wrong)
    for program in STUDY
    for wrong in (
        "--recipe=igr",
        "--recipe=igr-planar/discrete-kl",
        "--decay=slow",
        "-b=5000 --dataset=digits",
        "--results=/dev --timings=/dev",
        "--results=/dev/null/file --timings=/dev/null/file",
        f"--results={FOUND}/timings.jsonl --timings={FOUND}/fashion_linear.jsonl",
    )
]
WRONG += [(REPORT, "--figure"), (REPORT, "--figure=/dev/null/file")]
WRONG += [(REPORT, f"--results=/dev{path}") for path in ("", "/null", "/null/file")]
WRONG += [
    (program, wrong)
    for program in TABLES
    for wrong in ("--host=jax", "--final-seed", "--family=vae", "--results=/dev")
    + ("--results=/dev/null/file", "--figures=/dev/null/folder")
]
WRONG += [(PAPER, "--part=cifar"), (PAPER, "--report --results=/dev/null")]
WRONG += [(PAPER, '--more="')]


def said(program, capsys, *arguments):
    """The status, what is printed, and what is printed as an error."""
    pytest.importorskip(program.rpartition("_")[2])
    with pytest.raises(SystemExit) as exit_:
        importlib.import_module(program).main(arguments)
    return exit_.value.code, *capsys.readouterr()


@pytest.mark.parametrize("program", [*PROGRAMS, *STUDY, *TABLES, REPORT, PAPER])
def test_help_explains_each_option_and_ends_with_two_commands_that_parse(
    program, capsys
):
    status, text, _ = said(program, capsys, "--help")
    assert status == 0
    usage, *_, title, first, second = text.rstrip().splitlines()
    assert usage == f"usage: python -m {program} [option ...]"
    assert title == "for example:"
    assert first == f"    python -m {program}"
    assert second.startswith(f"{first} ")
    assert text.count("python -m") == 3
    assert "(default: )" not in text
    for option in re.split(r"\n  (?=-)", text.partition("for example:")[0])[1:]:
        explanation = re.sub(r"^.*?(  |\n)|\(default.*", "", option, flags=re.DOTALL)
        assert len(explanation.split()) >= 3, option
    _, _, error = said(program, capsys, *second.split()[3:], "--no-such-option")
    assert error.endswith("error: unrecognized arguments: --no-such-option\n")


@pytest.mark.parametrize(("program", "arguments"), WRONG)
def test_a_wrong_value_ends_in_one_line_that_names_the_program(
    program, arguments, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    status, printed, error = said(program, capsys, *arguments.split())
    assert (status, printed) == (2, "")
    assert re.fullmatch(f"python -m {program}: error: .+\n", error)
    assert ("/dev" in arguments) == ("/dev" in error)
