"""A program made of a module, which has the parameters of the module."""

from collections.abc import Callable
from typing import Any

from torch.nn import Module


class ModuleProgram(Module):
    """Runs a module in another way, as a module.

    The host's ``elbo(model, guide)`` takes parameters from modules only.

    Args:
        module: the module.
        run: the program, a function that calls it.
    """

    def __init__(self, module: Module, run: Callable) -> None:
        super().__init__()
        self.module, self.run = module, run

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(*args, **kwargs)


def like_program(run: Callable, fn: Callable) -> Callable:
    """A function that calls another, as a module if that one is.

    Args:
        run: the function.
        fn: what it calls.
    """
    return ModuleProgram(fn, run) if isinstance(fn, Module) else run
