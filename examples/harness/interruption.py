"""Ctrl-C and SIGTERM end a program in one line that says what is saved.

The signals are blocked, and a thread waits for them: it ends the program at once while
the others compile, or are within a library that would swallow an exception.
"""

import os
import signal
import sys
from collections.abc import Callable
from threading import Lock, Thread

SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
uninterrupted = Lock()  # while it is held the program goes on
_saved: list[Callable[[], str]] = [lambda: "nothing is saved"]


def end_in_one_line() -> None:
    """From here on the signals end the program, with status 128 and their number."""
    sys.stdout.reconfigure(line_buffering=True)  # what is printed is not lost
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    Thread(target=_wait, daemon=True).start()


def say_when_interrupted(saved: Callable[[], str]) -> None:
    """Have that line end with what a function returns then."""
    _saved[:] = [saved]


def _wait() -> None:
    number = signal.sigwait(SIGNALS)
    with uninterrupted:
        before = "\n" if sys.stderr.isatty() else ""  # a progress bar may be there
        line = f"{before}{SIGNALS[number]}: {_saved[0]()}\n"
        os.write(sys.stderr.fileno(), line.encode())
        os._exit(128 + number)
