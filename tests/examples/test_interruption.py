"""However a run is stopped, its checkpoint is whole, and one line says what it has."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from examples.harness.run import CheckpointError, RunOptions, keeping, load

ROOT = Path(__file__).parents[2]
ENDLESS = "tests.examples.endless_run"
STATUS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}


class Program(subprocess.Popen):
    """A module with one of the examples' command lines."""

    def __init__(self, module, *arguments, cwd):
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        pipes = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
        super().__init__(
            [sys.executable, "-m", module, *arguments],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": path},
            text=True,
            **pipes,
        )

    def wait_until(self, happened):
        start = monotonic()
        while not happened():
            assert self.poll() is None, self.stderr.read()
            assert monotonic() - start < 300
            sleep(0.05)

    def stop(self, number):
        self.send_signal(number)
        _, said = self.communicate(timeout=60)
        return self.returncode, said


@pytest.fixture
def start(tmp_path):
    """Starts programs, none of which outlives the test."""
    programs = []

    def start(*arguments):
        programs.append(Program(*arguments, cwd=tmp_path))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        program.communicate()


def epochs_done(path):
    (_, epochs_done, _), _ = load(path)
    return epochs_done


def has_more_epochs(path, number):
    return path.exists() and epochs_done(path) > number


@pytest.mark.parametrize("number", STATUS)
def test_a_signal_ends_a_run_in_one_line_that_says_what_is_saved(
    number, start, tmp_path
):
    path = tmp_path / "run" / "endless"
    program = start(ENDLESS, "--num-epochs=1000000000", "--checkpoint=run/endless")
    program.wait_until(path.exists)
    refused = pytest.raises(CheckpointError, match="another run keeps itself there")
    for resume in False, True:
        options = RunOptions(checkpoint=path, resume=resume)
        with refused, keeping(options, {}):
            pass
    returned, said = program.stop(number)
    status, word = STATUS[number]
    assert returned == status
    epoch = epochs_done(path)
    assert (
        said == f"{word}: run/endless has the run up to epoch {epoch}, for --resume\n"
    )
    assert not [*path.parent.glob("*.partial")]


def test_a_signal_before_anything_is_saved_says_so(start, tmp_path):
    program = tmp_path / "sleepy.py"
    program.write_text(
        "import time\n"
        "from examples.harness import command_line\n"
        "command_line.end_in_one_line()\n"
        "print('ready')\n"
        "time.sleep(60)\n"
    )
    program = start("sleepy")
    assert program.stdout.readline() == "ready\n"
    assert program.stop(signal.SIGINT) == (130, "interrupted: nothing new is saved\n")


def test_a_killed_run_leaves_its_last_checkpoint_and_the_next_one_goes_on(
    start, tmp_path
):
    path, random, before = tmp_path / "endless", Random(0), 0
    for resume in [], ["--resume"], ["--resume"]:
        program = start(ENDLESS, "-n=1000000000", "--checkpoint=endless", *resume)
        program.wait_until(lambda least=before: has_more_epochs(path, least))
        sleep(random.uniform(0, 0.1))
        program.kill()
        assert program.communicate() == ("", "")
        assert epochs_done(path) > before
        before = epochs_done(path)
    (tmp_path / "endless.partial").write_bytes(b"half")
    other = tmp_path / "endless.b.partial"
    other.write_bytes(b"of another")
    options = RunOptions(checkpoint=path, resume=True)
    with keeping(options, {}) as kept:
        assert kept.epochs_done == before
    assert [*tmp_path.glob("*.partial")] == [other]
    assert not [*tmp_path.glob("*.lock")]


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_an_example_is_interrupted_while_it_trains(host, start, tmp_path):
    pytest.importorskip(host)
    path, example = tmp_path / "vae", f"examples.discrete_vae.vae_{host}"
    small = "--num-variables=2", "--num-categories=2", "--batch-size=1000"
    small += ("--dataset=digits",)
    program = start(example, *small, "--num-epochs=100000", "--checkpoint=vae")
    program.wait_until(path.exists)
    status, said = program.stop(signal.SIGINT)
    assert status == 130
    epoch = epochs_done(path)
    assert said == f"interrupted: vae has the run up to epoch {epoch}, for --resume\n"


PROGRAMS = [
    path
    for path in sorted((ROOT / "examples").rglob("*pyro.py"))
    if "\ndef main(" in path.read_text()
]


@pytest.mark.parametrize(
    "path", PROGRAMS, ids=lambda path: f"{path.parent.name}.{path.stem}"
)
def test_signals_are_heeded_before_the_imports_of_a_program(path):
    _, first, *_ = ast.parse(path.read_text()).body
    expected = (
        "if __name__ == '__main__':\n"
        "    from examples.harness import command_line\n"
        "    command_line.end_in_one_line()"
    )
    assert ast.unparse(first) == expected
