"""One run by several workers of torchrun, which split each batch, in Pyro."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pyro
import torch
from pyro.infer import SVI
from pyro.infer.elbo import ELBO, ELBOModule
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from examples.harness import command_line
from examples.harness.run import Kept, RunOptions

Some = TypeVar("Some", bound=RunOptions)


def join(options: Some) -> Some:
    """Meet the other workers of torchrun; the first one alone has a checkpoint."""
    if not distributed.is_torchelastic_launched():
        if options.data_parallel:
            raise ValueError(
                "expected --data-parallel under torchrun: it starts workers"
            )
        return options
    is_cuda = (options.device or "cpu").startswith("cuda")
    if is_cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if is_cuda else "gloo")
    _check_divides(options.batch_size, distributed.get_world_size())
    if is_first():
        return options
    command_line.saved = None
    return replace(options, checkpoint=None, resume=False)


def _check_divides(batch_size: int, num_workers: int) -> None:
    if batch_size % num_workers:
        raise ValueError(
            f"expected --batch-size to be a multiple of the {num_workers} workers, "
            f"which have equal shares of a batch; got {batch_size}"
        )


def is_first() -> bool:
    """Whether this worker is the one that writes and prints, or the only one."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def share(kept: Kept) -> None:
    """Have every worker continue what the first one has found in its checkpoint."""
    if distributed.is_initialized():
        found = [kept.epochs_done, kept.packed]
        with _ended_by_others():
            distributed.broadcast_object_list(found)
        kept.epochs_done, kept.packed = found


def distribute(svi: SVI, elbo: ELBO, batch: Tensor, *args: Any) -> None:
    """Have each step of SVI share its batch among the workers, if there are several.

    Each has rows of its own and noise of its own; DistributedDataParallel keeps their
    parameters equal, by the mean of the gradients. So the loss has to be a mean over
    the rows of a batch, or a sum that plates scale up, by size over subsample size.
    """
    if not distributed.is_initialized():
        return
    rank, num_workers = distributed.get_rank(), distributed.get_world_size()
    module = _as_module(svi, elbo, batch[rank::num_workers], *args)
    with _ended_by_others():
        module = DistributedDataParallel(module)

    def loss_and_grads(_: Callable, __: Callable, batch: Tensor, *args: Any) -> Tensor:
        with _ended_by_others(), _noise_of(rank, batch.device):
            loss = module(batch[rank::num_workers], *args)
            loss.backward()
        return loss.detach()

    svi.loss_and_grads = loss_and_grads


def _as_module(svi: SVI, elbo: ELBO, *args: Any) -> ELBOModule:
    """Pyro's module of a loss, which has all parameters that a first run declares."""
    module, store = elbo(svi.model, svi.guide), pyro.get_param_store()
    module(*args)
    state = store.get_state()
    values = state["params"].items()
    params = {
        k: v if isinstance(v, nn.Parameter) else nn.Parameter(v) for k, v in values
    }
    store.set_state({**state, "params": params})
    module.of_store = nn.ParameterList(params.values())
    return module


@contextmanager
def _noise_of(rank: int, device: torch.device) -> Iterator[None]:
    """Seeds one worker, with what is drawn from the generator that all have alike."""
    seed = int(torch.randint(2**62, ()))
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed + rank)
        yield


@contextmanager
def _ended_by_others() -> Iterator[None]:
    """Ends a worker that another has left alone; the first one says so."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
            raise
        command_line.end("error: another worker has ended", 1)


def leave() -> None:
    """Go on alone as the first worker; the others end."""
    if distributed.is_initialized():
        goes_on = is_first()
        distributed.destroy_process_group()
        if not goes_on:
            end()


def end() -> None:
    """End a worker that has left, at once.

    Threads of gloo that still run abort an interpreter that takes its time, and then
    torchrun ends the other workers.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
