"""relax in NumPyro: what jit traces, and scans."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from jax import random
from numpyro import handlers, infer
from numpyro.contrib.control_flow import scan
from numpyro_families import fresh_host as fresh_host

from numpyro_igr import OneHotCategorical, TraceSTL_ELBO, discretize, relax

TAU = 0.3
PROBS = np.array([0.1, 0.2, 0.4, 0.3], np.float32)
ROWS = np.array([[7, 2, 1], [1, 8, 1], [3, 3, 4]], np.float32) / 10
X = np.array([0.5, -1.0, 1.5], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0], np.float32)


def test_a_falling_temperature_compiles_once():
    runs = []

    def program():
        runs.append(1)
        return numpyro.sample("z", OneHotCategorical(PROBS))

    run = jax.jit(lambda tau: handlers.seed(relax(program, tau), 0)())
    sharpness = [run(tau).max() for tau in (1.0, 0.5, 0.1)]
    assert sharpness == sorted(sharpness)
    assert len(set(map(float, sharpness))) == 3
    assert len(runs) == 1


def test_integers_with_equal_weights_are_refused_for_their_reason():
    message = r"site 'z' is a DiscreteUniform of integers, .* one_hot=\{'z'\}"
    program = partial(numpyro.sample, "z", dist.DiscreteUniform(0, 2))
    with pytest.raises(ValueError, match=message):
        handlers.seed(relax(program, TAU), 0)()


def step(probs, name, x):
    z = numpyro.sample(f"z{name}", OneHotCategorical(probs))
    numpyro.sample(f"x{name}", dist.Normal(z @ MEANS, 1.0), obs=x)
    return z @ ROWS, None


def unrolled():
    probs = ROWS[0]
    for t, x in enumerate(X):
        probs, _ = step(probs, t, x)


def scanned(wrap):
    one_step = wrap(lambda probs, x: step(probs, "", x))
    return lambda: scan(one_step, ROWS[0], X)


AROUND_A_STEP = {
    "relaxed": (lambda fn: relax(fn, TAU), PROBS[:3] + ROWS / 5),
    "discretized": (lambda fn: discretize(relax(fn, TAU)), np.eye(3)[[0, 2, 1]]),
}


@pytest.mark.parametrize(("wrap", "z"), AROUND_A_STEP.values(), ids=AROUND_A_STEP)
def test_a_scan_of_a_step_is_the_chain_step_by_step(wrap, z):
    values = {"z": jnp.asarray(z / z.sum(-1, keepdims=True), jnp.float32)}
    by_step = {f"z{t}": z_t for t, z_t in enumerate(values["z"])}

    @jax.jit
    def both():
        found, _ = infer.util.log_density(scanned(wrap), (), {}, values)
        return found, infer.util.log_density(wrap(unrolled), (), {}, by_step)[0]

    np.testing.assert_allclose(*both(), rtol=1e-5)


@pytest.mark.parametrize("outer", [partial(relax, temperature=TAU), discretize])
def test_a_handler_around_a_scan_is_refused(outer):
    inner = partial(relax, temperature=TAU) if outer is discretize else lambda fn: fn
    with pytest.raises(ValueError, match=r"site 'z' .* the step of the scan"):
        handlers.seed(outer(scanned(inner)), 0)()


def test_a_scan_has_no_gaussian_coordinates():
    program = scanned(partial(relax, temperature=TAU))
    with pytest.raises(ValueError, match="site 'z' .* the steps of the scan"):
        TraceSTL_ELBO().loss(random.key(0), {}, program, program)


def test_traced_parameters_need_the_number_of_counts():
    def run(rate):
        program = partial(numpyro.sample, "n", dist.Poisson(rate))
        return handlers.seed(relax(program, 0.1), 0)()

    with pytest.raises(ValueError, match="site 'n': expected num_sticks to be given"):
        jax.jit(run)(3.0)


def test_a_bounded_count_needs_no_number_where_its_parameters_are_traced():
    def run(p, law):
        program = partial(numpyro.sample, "n", law(p))
        trace = handlers.trace(handlers.seed(relax(program, 0.1), 0)).get_trace()
        return trace["n_weights"]["fn"].probs

    run = jax.jit(run, static_argnames="law")
    np.testing.assert_allclose(run(0.3, law=dist.Bernoulli), [0.7, 0.3], rtol=1e-5)
    two = partial(dist.Binomial, 2)
    np.testing.assert_allclose(run(0.5, law=two), [0.25, 0.5, 0.25], rtol=1e-5)
