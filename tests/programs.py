"""Code in documents, run in this process with parameters of its own."""

from contextlib import nullcontext
from importlib import import_module


def parameters(host):
    """A store of its own for the parameters of a program."""
    store = getattr(import_module(host), "get_param_store", None)
    return store().scope() if store else nullcontext()
