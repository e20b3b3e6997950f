"""How a run keeps itself in a checkpoint, and continues from it."""

from collections.abc import Callable

from checkpoint import load_checkpoint, save_checkpoint
from run_options import RunOptions


def saved_payload(options: RunOptions, host: str) -> bytes | None:
    """The payload to continue from.

    Args:
        options: Of the run; they name the checkpoint.
        host: The name of the host.

    Returns:
        What was saved last, or `None` to start afresh.

    Raises:
        FileNotFoundError: If there is no checkpoint to continue from.
        ValueError: If it is not whole, or of another run.
    """
    if not options.resume:
        return None
    return load_checkpoint(options.checkpoint, options.configuration(host))


def save_if_due(
    options: RunOptions, host: str, epochs_done: int, pack: Callable[[], bytes]
) -> None:
    """Write a checkpoint, at the intervals that the options ask for and at the end.

    Args:
        options: Of the run; they name the checkpoint.
        host: The name of the host.
        epochs_done: The epochs so far.
        pack: Returns the payload.

    Raises:
        OSError: If it could not be written; a previous checkpoint is still there.
    """
    done = epochs_done == options.num_epochs
    due = done or epochs_done % options.checkpoint_every == 0
    if options.checkpoint is not None and due:
        save_checkpoint(options.checkpoint, options.configuration(host), pack())
