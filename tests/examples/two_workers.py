"""What one of the workers finds out about itself, as JSON in a file.

python -m tests.examples.two_workers FOLDER FLAGS has two, forked off what is imported
once, in the environment that torchrun gives its workers; then two that train a discrete
VAE with these flags.
"""

import json
import os
import socket
import sys
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pyro
import torch
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import SGD
from torch import distributed

from examples.discrete_vae import vae_pyro
from examples.discrete_vae.options import Options
from examples.harness.devices_pyro import distribute, end, join
from examples.harness.training_pyro import seed_epoch
from pyro_igr import IGR, AutoIGR, TraceDiscreteKL_ELBO, TraceRELAX_ELBO

NUM_IMAGES, ROWS = 8, 4
ELBOS = {e.__name__: e for e in (Trace_ELBO, TraceDiscreteKL_ELBO, TraceRELAX_ELBO)}
DATA = torch.arange(12.0).reshape(ROWS, 3) / 10


def model(batch):
    """One code for all rows, which are a part of a larger set."""
    code = pyro.sample("code", IGR(0.5, torch.zeros(2), torch.ones(2)))
    weights = pyro.param("weights", torch.ones(3))
    with pyro.plate("rows", NUM_IMAGES, subsample_size=len(batch)):
        pyro.sample("x", pyro.distributions.Normal(batch @ weights, 1.0), obs=code[0])


def known(batch):
    """The same without noise."""
    weights = pyro.param("weights", torch.ones(3))
    with pyro.plate("rows", NUM_IMAGES, subsample_size=len(batch)):
        x = batch.sum(-1)
        pyro.sample("x", pyro.distributions.Normal(batch @ weights.exp(), 1.0), obs=x)


def step(of, guide, elbo):
    """The parameters after a step, and what was drawn on the way."""
    drawn = []

    def spied(batch):
        drawn.append(torch.rand(()).item())
        return of(batch)

    pyro.clear_param_store()
    seed_epoch(0, 0)
    svi = SVI(spied, guide, SGD({"lr": 0.01}), elbo)
    distribute(svi, elbo, DATA)
    svi.step(DATA)
    params = pyro.get_param_store().named_parameters()
    return {k: v.flatten().tolist() for k, v in params}, drawn[-1]


def main(folder):
    join(Options(batch_size=ROWS))
    rank = distributed.get_rank() if distributed.is_initialized() else "one"
    found = {"known": step(known, lambda batch: None, Trace_ELBO())}
    for name, elbo in ELBOS.items():
        torch.manual_seed(0)
        guide = AutoIGR(model, 0.5, scale=1.0)
        found[name] = step(model, guide, elbo())
    (Path(folder) / f"{rank}").write_text(json.dumps(found))
    if distributed.is_initialized():
        distributed.destroy_process_group()
        end()


def as_worker(rank, port, work, argument):
    of = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    of |= {"MASTER_ADDR": "localhost", "TORCHELASTIC_RUN_ID": "two"}
    os.environ.update({name: str(value) for name, value in of.items()})
    work(argument)


def fork(work, argument):
    """Have two workers do this; returns the worse of their statuses."""
    with socket.create_server(("localhost", 0)) as server:
        _, port = server.getsockname()
    process = partial(get_context("fork").Process, target=as_worker)
    workers = [process(args=(rank, port, work, argument)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(abs(worker.exitcode) for worker in workers)


if __name__ == "__main__":
    folder, *flags = sys.argv[1:]
    sys.exit(fork(main, folder) or fork(vae_pyro.main, flags))
