"""Several devices share a batch: parameters stay equal, and are those of one device."""

import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from time import monotonic, sleep

import pytest
from programs import parameters

from examples.harness.run import load

ROOT = Path(__file__).parents[2]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
SMALL = [
    "--dataset=digits",
    "--decay=none",
    "--num-variables=2",
    "--num-categories=2",
    "--batch-size=600",
    "--num-importance-samples=2",
    "--no-figures",
]
VAE = ["-m", "examples.discrete_vae.vae_pyro", *SMALL, "--checkpoint=vae"]


def start(*arguments, cwd, **variables):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def said(*arguments, cwd, **variables):
    with start(*arguments, cwd=cwd, **variables) as program:
        out, err = program.communicate(timeout=300)
    assert program.returncode == 0, err
    return out


def flat(params):
    return {k: pytest.approx(v, rel=1e-5, abs=1e-6) for k, v in params.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of runs that this process begins and two workers go on with."""
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def printed(folder):
    """What this process and two workers print; they leave what they arrive at."""
    pytest.importorskip("pyro")
    two_workers = import_module("tests.examples.two_workers")
    with pytest.MonkeyPatch.context() as patch, parameters("pyro"):
        patch.chdir(folder)
        two_workers.main(folder)
        with redirect_stdout(StringIO()) as out:
            two_workers.vae_pyro.main([*VAE[2:], "-n=1"])
    flags = *VAE[2:], "-n=2", "--resume"
    return out.getvalue(), said("-m", two_workers.__name__, ".", *flags, cwd=folder)


@pytest.fixture(scope="module")
def workers(printed, folder):
    """What this process and two workers arrive at, by objective."""
    return [json.loads((folder / name).read_text()) for name in ("one", "0", "1")]


def test_two_workers_take_the_step_of_one_on_the_whole_batch(workers):
    one, *two = (found["known"][0] for found in workers)
    assert [*two] == [flat(one)] * 2


@pytest.mark.parametrize(
    "elbo", ["Trace_ELBO", "TraceDiscreteKL_ELBO", "TraceRELAX_ELBO"]
)
def test_workers_have_noise_of_their_own_and_the_same_parameters(workers, elbo):
    _, (first, drawn), (second, drawn_there) = (found[elbo] for found in workers)
    assert first == second
    assert len(first) > 1
    assert drawn != drawn_there


def test_another_number_of_workers_goes_on_and_the_first_alone_prints(printed, folder):
    assert load(folder / "vae")[0][1] == 2
    for epochs, out in enumerate(printed, 1):
        assert out.count(f"digits: {epochs} epochs") == 1
    assert not [*folder.glob("*.lock")]


def test_a_worker_that_dies_ends_the_run_in_a_line_that_says_what_is_saved(tmp_path):
    pytest.importorskip("pyro")
    with start(*TORCHRUN, *VAE, "-n=1000000", cwd=tmp_path) as program:
        begun = monotonic()
        while not (tmp_path / "vae").exists():
            assert program.poll() is None
            assert monotonic() - begun < 200
            sleep(0.05)
        os.kill(last_worker(program.pid), signal.SIGKILL)
        _, err = program.communicate(timeout=100)
    assert program.returncode != 0
    epoch = load(tmp_path / "vae")[0][1]
    line = f"vae has the run up to epoch {epoch}, for --resume"
    ours = [x for x in err.splitlines() if x.endswith(line)]
    assert ours in (
        [f"error: another worker has ended: {line}"],
        [f"terminated: {line}"],
    )


def last_worker(launcher):
    """The process of rank 1, of those that torchrun has started."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            is_child = f"PPid:\t{launcher}\n" in (path.parent / "status").read_text()
            if is_child and b"\0RANK=1\0" in b"\0" + path.read_bytes():
                return int(path.parent.name)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    raise AssertionError("no worker has rank 1")


def test_devices_of_jax_take_the_step_of_one(tmp_path):
    pytest.importorskip("numpyro")
    number = 4
    flags = f"--xla_force_host_platform_device_count={number} {os.environ['XLA_FLAGS']}"
    out = said("-m", "tests.examples.sharded_step", cwd=tmp_path, XLA_FLAGS=flags)
    count, (one, loss, _), (shared, shared_loss, everywhere) = json.loads(out)
    assert count == number
    assert shared == flat(one)
    assert shared_loss == pytest.approx(loss, rel=1e-5)
    assert set(everywhere.values()) == {number}
