"""The verbs of the contract suite in jax and NumPyro."""

import math
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.distributions.kl import kl_divergence
from x64 import enable_x64

import numpyro_igr as igr

__all__ = ["dist", "igr", "kl"]

kl, biject_to = kl_divergence, dist.biject_to
double_precision = partial(enable_x64, True)


def array(x, dtype="float64"):
    return jnp.asarray(np.asarray(x), dtype)


def numpy(x):
    return np.asarray(x)


def tolist(x):
    return x.tolist()


def sample(law, seed, shape=()):
    return law.rsample(jax.random.key(seed), shape)


def break_rest(law, seed, value, num_sticks):
    return law.break_rest(jax.random.key(seed), value, num_sticks)


def wanted_sticks(law, seed, value, **options):
    return law.wanted_sticks(jax.random.key(seed), value, **options)


@lru_cache(maxsize=4)
def _compiled(transform, fn):
    """Compiled once for a function, not once for a point."""
    return jax.jit(transform(fn))


def _of_sum(fn):
    def gradients(*xs):
        return jax.grad(lambda *xs: fn(*xs).sum(), tuple(range(len(xs))))(*xs)

    return gradients


def _of_sum_with_values(fn):
    def both(*xs):
        def total(*xs):
            values = fn(*xs)
            return values.sum(), values

        gradients, values = jax.grad(total, tuple(range(len(xs))), has_aux=True)(*xs)
        return values, *gradients

    return both


def value_and_grad(fn, *inputs):
    """The values of ``fn``, and gradients of their sum in each of its inputs."""
    return [numpy(x) for x in _compiled(_of_sum_with_values, fn)(*inputs)]


def grad(fn, *inputs):
    """Gradients of the sum of ``fn`` in each of its inputs."""
    return _compiled(_of_sum, fn)(*inputs)


def slope(fn, x):
    """The derivative of an elementwise function, differentiable."""
    return jax.grad(lambda x: fn(x).sum())(x)


def evaluate(fn, *inputs):
    """What ``fn`` returns, by one program."""
    return jax.jit(fn)(*inputs)


def jacobian(fn, x):
    """As arrays, of one result or of a tuple."""
    return jax.tree.map(numpy, _compiled(jax.jacobian, fn)(x))


def second_derivatives(fn, x, points):
    """The Hessian of ``fn`` at x, and its gradient at each of the points."""

    def gradient(x):
        return (jax.grad(fn)(x),) * 2

    # One program: most of a Hessian is the gradient.
    both = jax.jit(partial(jax.lax.map, jax.jacfwd(gradient, has_aux=True)))
    hessians, gradients = both(jnp.asarray([x, *points]))
    return numpy(hessians[0]), numpy(gradients[1:])


def largest_array(fn, *inputs):
    """How many numbers the largest array has in the gradient of the sum of ``fn``."""
    return _largest(jax.make_jaxpr(_of_sum(fn))(*inputs).jaxpr)


def _largest(jaxpr):
    inner = (
        getattr(x, "jaxpr", x)
        for eqn in jaxpr.eqns
        for x in jax.tree.leaves(
            list(eqn.params.values()), is_leaf=lambda x: hasattr(x, "jaxpr")
        )
    )
    own = (math.prod(v.aval.shape) for eqn in jaxpr.eqns for v in eqn.outvars)
    return max([0, *own, *(_largest(x) for x in inner if hasattr(x, "eqns"))])


def vmap(fn, *inputs):
    """A function of one entry of each of the inputs, at all of them."""
    return jax.vmap(fn)(*inputs)


def is_supported(law, value):
    """Whether values lie in the support."""
    return bool(law.support(value).all())


def detach(x):
    return jax.lax.stop_gradient(x)


def chance(seed):
    return (jax.random.key(seed),)


validation = numpyro.validation_enabled
OUT_OF_RANGE = "invalid {} parameter"
