"""One run on several devices, which split each batch, in NumPyro."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

import jax
import numpy as np
from jax import Array, lax
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpyro.infer import SVI
from numpyro.infer.svi import SVIState

from examples.harness import command_line
from examples.harness.run import Kept, RunOptions

Some = TypeVar("Some", bound=RunOptions)
T = TypeVar("T")


def join(options: Some) -> Some:
    """Meet the other processes of JAX; the first one alone has a checkpoint.

    There are others where JAX_COORDINATOR_ADDRESS is, JAX_NUM_PROCESSES of them with
    a JAX_PROCESS_ID each, unless JAX knows their launcher, Slurm say.
    """
    if options.data_parallel and "JAX_COORDINATOR_ADDRESS" in os.environ:
        given = (os.environ.get(f"JAX_{k}") for k in ("NUM_PROCESSES", "PROCESS_ID"))
        of_process = (None if value is None else int(value) for value in given)
        jax.distributed.initialize(None, *of_process)
    if is_first():
        return options
    command_line.saved = None
    return replace(options, checkpoint=None, resume=False)


def is_first() -> bool:
    """Whether this process is the one that writes and prints, or the only one."""
    return jax.process_index() == 0


def copy_to_all(options: RunOptions, tree: T) -> T:
    """Arrays of one device, on all of its platform if they share each batch."""
    if not options.data_parallel:
        return tree
    devices = np.array(jax.devices(_device_of(tree).platform))
    if options.batch_size % len(devices):
        raise ValueError(
            f"expected --batch-size to be a multiple of the {len(devices)} devices, "
            f"which have equal shares of a batch; got {options.batch_size}"
        )
    return _put(tree, NamedSharding(Mesh(devices, "devices"), PartitionSpec()))


def _put(tree: T, where: jax.Device | NamedSharding) -> T:
    def put(leaf: Any) -> Any:
        return (
            jax.device_put(np.asarray(leaf), where) if isinstance(leaf, Array) else leaf
        )

    return jax.tree.map(put, tree)


def share(kept: Kept) -> None:
    """Have every process continue what the first one has found in its checkpoint."""
    if jax.process_count() > 1:
        everywhere, packed = multihost_utils.broadcast_one_to_all, kept.packed or b""
        with ended_by_others():
            kept.epochs_done, size = everywhere((kept.epochs_done, len(packed)))
            content = np.frombuffer(packed or bytes(size), np.uint8)
            kept.packed = everywhere(content).tobytes() or None
        kept.epochs_done = int(kept.epochs_done)


def _device_of(tree: Any) -> jax.Device:
    array = next(leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, Array))
    return array.addressable_data(0).device


@cache
def distribute(svi: SVI, where: jax.Device | NamedSharding) -> SVI:
    """The same SVI, whose steps share a batch among the devices, if there are several.

    Each has rows of its own and noise of its own, since JAX draws that of the whole
    batch; each has the whole state, and the mean gradient. Numbers are those of one
    device, but for rounding.
    """
    if not isinstance(where, NamedSharding):
        return svi
    shared = copy(svi)
    rows = NamedSharding(where.mesh, PartitionSpec(where.mesh.axis_names))

    def update(state: SVIState, batch: Array, *args: Any) -> tuple[SVIState, Array]:
        batch = lax.with_sharding_constraint(batch, rows)
        state, loss = SVI.update(shared, state, batch, *args)
        return lax.with_sharding_constraint(state, where), loss

    shared.update = update
    return shared


@contextmanager
def ended_by_others() -> Iterator[None]:
    """Ends a process that another has left alone; the first one says so."""
    try:
        yield
    except jax.errors.JaxRuntimeError:
        if jax.process_count() == 1:
            raise
        command_line.end("error: another process has ended", 1)


def leave(tree: T) -> T:
    """Go on alone as the first process, on one device; the others end."""
    tree = _put(tree, _device_of(tree))
    if jax.process_count() > 1:
        goes_on = is_first()
        jax.distributed.shutdown()
        if not goes_on:
            raise SystemExit
    return tree
