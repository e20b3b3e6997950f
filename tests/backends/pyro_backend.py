"""The verbs of the contract suite in torch and Pyro."""

from contextlib import nullcontext

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from torch.distributions import kl_divergence
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import pyro_igr as igr

__all__ = ["dist", "igr", "kl"]

kl, biject_to = kl_divergence, torch.distributions.biject_to
double_precision = nullcontext


def array(x, dtype="float64"):
    return torch.tensor(np.asarray(x), dtype=getattr(torch, dtype))


def numpy(x):
    x = x.double() if getattr(x, "dtype", None) == torch.bfloat16 else x
    return x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


def tolist(x):
    return x.tolist()


def sample(law, seed, shape=()):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return law.rsample(torch.Size(shape))


def break_rest(law, seed, value, num_sticks):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return law.break_rest(value, num_sticks)


def wanted_sticks(law, seed, value, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return law.wanted_sticks(value, **options)


def value_and_grad(fn, *inputs):
    """The values of ``fn``, and gradients of their sum in each of its inputs."""
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    values = fn(*inputs)
    return [numpy(x) for x in (values, *torch.autograd.grad(values.sum(), inputs))]


def grad(fn, *inputs):
    """Gradients of the sum of ``fn`` in each of its inputs."""
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    return torch.autograd.grad(fn(*inputs).sum(), inputs)


def slope(fn, x):
    """The derivative of an elementwise function, differentiable."""
    x = x if x.requires_grad else x.clone().requires_grad_()
    return torch.autograd.grad(fn(x).sum(), x, create_graph=True)[0]


def evaluate(fn, *inputs):
    """What ``fn`` returns."""
    return fn(*inputs)


def jacobian(fn, x):
    """As arrays, of one result or of a tuple."""
    found = torch.autograd.functional.jacobian(fn, x)
    return tuple(map(numpy, found)) if isinstance(found, tuple) else numpy(found)


def second_derivatives(fn, x, points):
    """The Hessian of ``fn`` at x, and its gradient at each of the points."""
    hessian = torch.autograd.functional.hessian(fn, array(x))
    gradients = [numpy(grad(fn, array(point))[0]) for point in points]
    return numpy(hessian), np.stack(gradients)


def largest_array(fn, *inputs):
    """How many numbers the largest array has in the gradient of the sum of ``fn``."""
    with _Sizes() as sizes:
        grad(fn, *inputs)
    return sizes.largest


class _Sizes(TorchDispatchMode):
    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = (x for x in tree_leaves(result) if isinstance(x, torch.Tensor))
        self.largest = max([self.largest, *(x.numel() for x in made)])
        return result


def vmap(fn, *inputs):
    """A function of one entry of each of the inputs, at all of them."""
    with validation(False):
        return torch.func.vmap(fn)(*inputs)


def is_supported(law, value):
    """Whether values lie in the support."""
    return bool(law.support.check(value).all())


def detach(x):
    return x.detach()


def chance(seed):
    """What ``sample`` takes before the shape: nothing, since chance is global."""
    return ()


validation = pyro.validation_enabled
OUT_OF_RANGE = "Expected parameter {} "
